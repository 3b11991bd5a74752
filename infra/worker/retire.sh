#!/bin/bash
# Runs whenever a worker has ended in good order. Once all have, for want of jobs, the machine asks its group to delete it,
# and the group is one smaller. A worker that failed keeps the machine: the group's health check has it replaced instead.
# The right to ask is the machine's; containers have tokens of another account (identity.py).
set -euo pipefail

metadata() {
  curl --fail --silent --show-error --retry 5 --header 'Metadata-Flavor: Google' \
    "http://metadata.google.internal/computeMetadata/v1/instance/$1"
}

# A spot machine that is taken away goes without being asked, and its group, which keeps its size, makes another.
if [[ -e /run/convtailor-stopping || "$(metadata preempted)" == TRUE ]]; then
  echo "the machine is being stopped already"
  exit 0
fi
busy="$(systemctl list-units --plain --no-legend --state=active,activating,deactivating,reloading,failed 'convtailor-trainer@*.service')"
if [[ -n "$busy" ]]; then
  echo "not all workers have ended in good order: $busy"
  exit 0
fi

group="$(metadata attributes/created-by)" # projects/NUMBER/regions/REGION/instanceGroupManagers/NAME, or zones/ZONE
zone="$(metadata zone)"                   # projects/NUMBER/zones/ZONE
token="$(metadata service-accounts/default/token | python3 -c 'import json, sys; print(json.load(sys.stdin)["access_token"])')"
# The token goes through standard input: an argument could be read by everybody on the machine.
curl --fail --silent --show-error --retry 3 --config - --header 'Content-Type: application/json' \
  --data "{\"instances\": [\"zones/${zone##*/}/instances/$(metadata name)\"], \"skipInstancesOnValidationError\": true}" \
  "https://compute.googleapis.com/compute/v1/$group/deleteInstances" <<<"header = \"Authorization: Bearer $token\""
