#!/bin/bash
# Runs as root at every start of a trainer's machine: lays out what the instance's metadata holds and starts one worker for
# each GPU. Running it again changes nothing that is as it should be. Its lines are in the serial port's log.
set -euo pipefail

export HOME=/root # startup scripts have none, and Docker keeps its log-in there
readonly FOLDER=/etc/convtailor
readonly DATA=/var/lib/convtailor
readonly USER_ID=10001 # of the image
readonly DRIVER_WAIT_S=900
readonly METADATA=http://metadata.google.internal/computeMetadata/v1/instance

metadata() {
  curl --fail --silent --show-error --retry 5 --retry-connrefused --header 'Metadata-Flavor: Google' "$METADATA/$1"
}

# place ATTRIBUTE FILE MODE: writes the file in one step, so that nothing ever reads half of it.
place() {
  local part
  part="$(mktemp "$2.XXXXXX")"
  metadata "attributes/$1" >"$part"
  chmod "$3" "$part"
  mv "$part" "$2"
}

give_up() {
  echo "convtailor: $*" >&2
  exit 1
}

# Images without a built-in driver install it at their first start, beside this script.
wait_for_driver() {
  local until=$((SECONDS + DRIVER_WAIT_S))
  until nvidia-smi >/dev/null 2>&1; do
    ((SECONDS < until)) || give_up "no NVIDIA driver after ${DRIVER_WAIT_S} s; build trainer_image from an image that has it"
    sleep 5
  done
}

# Most images hold their release's container. One of another release pulls it, with a token of this machine's account.
fetch_container() {
  local image="$1" attempt
  docker image inspect "$image" >/dev/null 2>&1 && return
  for attempt in 1 2 3 4 5; do
    metadata service-accounts/default/token | python3 -c 'import json, sys; print(json.load(sys.stdin)["access_token"])' \
      | docker login --username oauth2accesstoken --password-stdin "https://${image%%/*}" \
      && docker pull --quiet "$image" && return
    sleep $((attempt * 10))
  done
  give_up "cannot pull $image"
}

# Containers decode what strangers sent: theirs is a network on which the metadata server answers names and nothing else. It
# would hand out this machine's own token; convtailor-identity hands out the trainer's, which may do far less.
guard_network() {
  docker network inspect convtailor >/dev/null 2>&1 \
    || docker network create --subnet=10.250.0.0/24 --gateway=10.250.0.1 \
      --opt com.docker.network.bridge.name=convtailor0 --opt com.docker.network.bridge.enable_icc=false convtailor
  local rule=(DOCKER-USER --in-interface convtailor0 --destination 169.254.0.0/16 --protocol tcp '!' --destination-port 53 --jump REJECT)
  iptables --wait --check "${rule[@]}" 2>/dev/null || iptables --wait --insert "${rule[@]}"
}

image="$(metadata attributes/convtailor-image)"
gpus="$(metadata attributes/convtailor-gpus)"

install --directory --mode=0755 "$FOLDER" "$DATA"
rm -f "$FOLDER"/worker-*.conf # of an earlier start: the machine counts as unwell until its workers are started
place convtailor-environment "$FOLDER/worker.env" 0600
place convtailor-retire "$FOLDER/retire.sh" 0755
place convtailor-health "$FOLDER/health.sh" 0755
place convtailor-identity "$FOLDER/identity.py" 0644
place convtailor-identity-conf "$FOLDER/identity.conf" 0644
place convtailor-trainer-unit /etc/systemd/system/convtailor-trainer@.service 0644
place convtailor-retire-unit /etc/systemd/system/convtailor-retire.service 0644
place convtailor-identity-unit /etc/systemd/system/convtailor-identity.service 0644
place convtailor-health-unit /etc/systemd/system/convtailor-health@.service 0644
place convtailor-health-port /etc/systemd/system/convtailor-health.socket 0644
systemctl daemon-reload
# Early: until workers are started the answer is "unwell", and the group waits for as long as it was told to.
systemctl start convtailor-health.socket

command -v docker >/dev/null || give_up "this image has no Docker; trainer_image has to be one that make machine-image built"
systemctl start docker.service
workers=1
if ((gpus > 0)); then
  wait_for_driver
  [[ "$(docker info --format '{{json .Runtimes}}')" == *'"nvidia"'* ]] \
    || give_up "Docker knows no runtime of NVIDIA's; build trainer_image with GPUS above 0"
  workers="$(nvidia-smi --list-gpus | wc -l)"
  if ((workers != gpus)); then
    echo "convtailor: the machine has ${workers} GPUs, trainer_gpus says ${gpus}; starting ${workers} workers" >&2
  fi
fi
guard_network
systemctl restart convtailor-identity.service
fetch_container "$image"

for ((worker = 0; worker < workers; worker++)); do
  # The container's one volume: decoded photographs and downloaded weights, which outlive a worker that is started anew.
  install --directory --mode=0700 --owner="$USER_ID" --group="$USER_ID" "$DATA/$worker"
  flags=""
  ((gpus == 0)) || flags="--gpus device=$worker" # inside, that GPU is the only one, and number 0
  printf 'IMAGE=%s\nGPU_FLAGS=%s\n' "$image" "$flags" >"$FOLDER/worker-$worker.conf"
  systemctl start "convtailor-trainer@$worker.service"
done
echo "convtailor: $workers workers of $image started" >&2
