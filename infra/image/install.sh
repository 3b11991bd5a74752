#!/bin/bash
# Runs once, as root, on the machine that build.sh makes: installs what machines of the group cannot fetch, proves that it
# works, and says so in a guest attribute. What is installed is kept for good in the image, so it is pinned by its name.
set -euo pipefail

export HOME=/root # startup scripts have none, and Docker keeps its log-in there
readonly METADATA=http://metadata.google.internal/computeMetadata/v1/instance

metadata() {
  curl --fail --silent --show-error --retry 5 --retry-connrefused --header 'Metadata-Flavor: Google' "$METADATA/$1"
}

tell() {
  curl --fail --silent --show-error --retry 5 --request PUT --data "$1" --header 'Metadata-Flavor: Google' \
    "$METADATA/guest-attributes/convtailor/state"
}
trap 'tell "failed in line $LINENO"' ERR

if [[ -e /var/lib/convtailor-image ]]; then # a machine of the group that was started with this script by mistake
  exit 0
fi
image="$(metadata attributes/convtailor-image)"
gpus="$(metadata attributes/convtailor-gpus)"

export DEBIAN_FRONTEND=noninteractive
# The system's own updates hold the lock for minutes after the first start.
apt=(apt-get --yes --option DPkg::Lock::Timeout=600 --option Acquire::Retries=5)
"${apt[@]}" update
"${apt[@]}" install --no-install-recommends docker.io iptables python3 curl
# Updates come with the next image: a machine that lives for hours must not restart Docker beneath a job.
systemctl disable --now apt-daily.timer apt-daily-upgrade.timer unattended-upgrades.service || true

# Google's agent sends the machine's logs, memory, disk and use of GPUs to Cloud Monitoring.
curl --fail --silent --show-error --retry 5 --output /var/tmp/ops-agent.sh \
  https://dl.google.com/cloudagents/add-google-cloud-ops-agent-repo.sh
bash /var/tmp/ops-agent.sh --also-install
rm /var/tmp/ops-agent.sh

if [[ "$gpus" != 0 ]]; then
  command -v nvidia-ctk >/dev/null || { echo "convtailor: the base image has no NVIDIA container toolkit" >&2; false; }
  nvidia-ctk runtime configure --runtime=docker
fi
systemctl enable docker.service
systemctl restart docker.service
if [[ "$gpus" != 0 ]]; then
  [[ "$(docker info --format '{{json .Runtimes}}')" == *'"nvidia"'* ]]
fi

# The token goes through a pipe: an argument could be read by everybody on the machine.
metadata service-accounts/default/token | python3 -c 'import json, sys; print(json.load(sys.stdin)["access_token"])' \
  | docker login --username oauth2accesstoken --password-stdin "https://${image%%/*}"
docker pull --quiet "$image"
docker run --rm --network none --entrypoint python "$image" -c 'import services.trainer.bootstrap, services.trainer.worker.worker'
docker logout "https://${image%%/*}"

# What belongs to this machine alone.
rm -f /root/.docker/config.json /etc/ssh/ssh_host_*_key* /etc/machine-id
touch /etc/machine-id /var/lib/convtailor-image
sync
tell ready
