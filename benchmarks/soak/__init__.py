"""Many small jobs against the real services while all is killed, stopped, filled and locked; then: what was kept?"""
