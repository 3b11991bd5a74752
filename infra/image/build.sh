#!/bin/bash
# Builds the boot image of the trainers' machines: Google's image with the driver, and Docker, NVIDIA's container toolkit
# and the trainer's container put into it by install.sh. Machines of the group reach nothing but Google's services, so what
# is not in their image they never get. `make machine-image` starts this; it needs gcloud and nothing else.
set -euo pipefail

: "${PROJECT:?}" "${ZONE:?}" "${RELEASE:?}" "${REGISTRY:?}"
readonly PREFIX="${PREFIX:-convtailor-}"
readonly GPUS="${GPUS:-1}"
readonly SUBNET="${SUBNET:-${PREFIX}trainer}"
readonly ACCOUNT="${ACCOUNT:-${PREFIX}machine@${PROJECT}.iam.gserviceaccount.com}"
# With "none" the machine that builds has no address of its own either; set trainer_nat = true for as long.
readonly ADDRESS="${ADDRESS:-ephemeral}"
readonly IMAGE="${PREFIX}trainer-${RELEASE}"
readonly BUILDER="${IMAGE}-build"
readonly PATIENCE_S="${PATIENCE_S:-3600}"
if [[ "$GPUS" == 0 ]]; then
  readonly BASE_PROJECT="${BASE_PROJECT:-ubuntu-os-cloud}" BASE_FAMILY="${BASE_FAMILY:-ubuntu-2404-lts-amd64}"
else
  readonly BASE_PROJECT="${BASE_PROJECT:-deeplearning-platform-release}"
  readonly BASE_FAMILY="${BASE_FAMILY:-common-cu129-ubuntu-2404-nvidia-580}"
fi
here="$(cd "$(dirname "$0")" && pwd)"

say() { printf 'machine-image: %s\n' "$*" >&2; }
in_zone() { gcloud compute instances "$@" --project="$PROJECT" --zone="$ZONE" --quiet; }
finish() { in_zone delete "$BUILDER" >&2 || say "delete the machine $BUILDER by hand: it costs money"; }

if gcloud compute images describe "$IMAGE" --project="$PROJECT" --format='value(name)' >/dev/null 2>&1; then
  say "$IMAGE exists already"
  echo "$IMAGE"
  exit 0
fi

# The family moves on; what it stands for today is named, and told in the description of what is made of it.
base="${BASE_IMAGE:-$(gcloud compute images describe-from-family "$BASE_FAMILY" --project="$BASE_PROJECT" --format='value(name)')}"
address=()
[[ "$ADDRESS" != none ]] || address=(--no-address)
say "building $IMAGE from $BASE_PROJECT/$base"
trap finish EXIT
in_zone create "$BUILDER" --machine-type="${MACHINE_TYPE:-e2-standard-4}" \
  --image="$base" --image-project="$BASE_PROJECT" --boot-disk-size="${DISK_GB:-100}GB" --boot-disk-type=pd-ssd \
  --subnet="$SUBNET" ${address[@]+"${address[@]}"} --service-account="$ACCOUNT" --scopes=cloud-platform \
  --metadata="enable-guest-attributes=TRUE,convtailor-image=${REGISTRY}/trainer:${RELEASE},convtailor-gpus=${GPUS}" \
  --metadata-from-file="startup-script=${here}/install.sh" >&2

state=""
until ((SECONDS >= PATIENCE_S)); do
  state="$(in_zone get-guest-attributes "$BUILDER" --query-path=convtailor/state --format='value(value)' 2>/dev/null || true)"
  [[ -z "$state" ]] || break
  sleep 15
done
if [[ "$state" != ready ]]; then
  say "the machine says '${state:-nothing}'; the end of its log:"
  in_zone get-serial-port-output "$BUILDER" | tail -n 40 >&2 || true
  exit 1
fi
in_zone stop "$BUILDER" >&2 # a disk is copied whole only once nobody writes to it
gcloud compute images create "$IMAGE" --project="$PROJECT" --source-disk="$BUILDER" --source-disk-zone="$ZONE" \
  --family="${PREFIX}trainer" --storage-location="${ZONE%-*}" --description="$BASE_PROJECT/$base" --quiet >&2
echo "$IMAGE"
