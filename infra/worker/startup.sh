#!/bin/bash
# Runs as root at every start of a trainer's machine: lays out what the instance's metadata holds, pulls the image and
# starts one worker for each GPU. Running it again changes nothing that is as it should be.
set -euo pipefail

export HOME=/root # startup scripts have none, and Docker keeps its log-in there
readonly FOLDER=/etc/convtailor
readonly DATA=/var/lib/convtailor
readonly USER_ID=10001 # of the image
readonly DRIVER_WAIT_S=900

attribute() {
  curl --fail --silent --show-error --retry 5 --retry-connrefused --header 'Metadata-Flavor: Google' \
    "http://metadata.google.internal/computeMetadata/v1/instance/attributes/$1"
}

# place ATTRIBUTE FILE MODE: writes the file in one step, so that nothing ever reads half of it.
place() {
  local part
  part="$(mktemp "$2.XXXXXX")"
  attribute "$1" >"$part"
  chmod "$3" "$part"
  mv "$part" "$2"
}

# Images without a built-in driver install it at their first start, beside this script.
wait_for_driver() {
  local until=$((SECONDS + DRIVER_WAIT_S))
  until nvidia-smi >/dev/null 2>&1; do
    if ((SECONDS >= until)); then
      echo "convtailor: no NVIDIA driver after ${DRIVER_WAIT_S} s; check trainer_image_family" >&2
      exit 1
    fi
    sleep 5
  done
}

image="$(attribute convtailor-image)"
gpus="$(attribute convtailor-gpus)"

install --directory --mode=0755 "$FOLDER" "$DATA"
rm -f "$FOLDER"/worker-*.conf # of an earlier start: the machine counts as unwell until its workers are started
place convtailor-environment "$FOLDER/worker.env" 0600
place convtailor-retire "$FOLDER/retire.sh" 0755
place convtailor-health "$FOLDER/health.sh" 0755
place convtailor-trainer-unit /etc/systemd/system/convtailor-trainer@.service 0644
place convtailor-retire-unit /etc/systemd/system/convtailor-retire.service 0644
place convtailor-health-unit /etc/systemd/system/convtailor-health@.service 0644
place convtailor-health-port /etc/systemd/system/convtailor-health.socket 0644
systemctl daemon-reload
# Early: while the image is pulled the answer is "unwell", and the group waits for as long as it was told to.
systemctl start convtailor-health.socket

workers=1
if ((gpus > 0)); then
  wait_for_driver
  workers="$(nvidia-smi --list-gpus | wc -l)"
  if ((workers != gpus)); then
    echo "convtailor: the machine has ${workers} GPUs, trainer_gpus says ${gpus}; starting ${workers} workers" >&2
  fi
fi

gcloud auth configure-docker "${image%%/*}" --quiet
for attempt in 1 2 3 4 5; do
  docker pull --quiet "$image" && break
  ((attempt < 5)) || exit 1
  sleep $((attempt * 10))
done

for ((worker = 0; worker < workers; worker++)); do
  # The container's one volume: decoded photographs and downloaded weights, which outlive a worker that is started anew.
  install --directory --mode=0700 --owner="$USER_ID" --group="$USER_ID" "$DATA/$worker"
  flags=""
  ((gpus == 0)) || flags="--gpus device=$worker" # inside, that GPU is the only one, and number 0
  printf 'IMAGE=%s\nGPU_FLAGS=%s\n' "$image" "$flags" >"$FOLDER/worker-$worker.conf"
  systemctl start "convtailor-trainer@$worker.service"
done
