#!/bin/bash
# Runs when the machine is told to stop; a spot machine that is taken away has 30 seconds from now. Workers are told at once
# and all together: each lets go of its job, which another machine carries on from the last finished trial.
set -euo pipefail

touch /run/convtailor-stopping # so that nobody takes these stops for leisure and retires the machine
systemctl stop 'convtailor-trainer@*.service'
