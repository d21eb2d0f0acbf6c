"""`make matrix`: the stored outputs under other Pythons, versions, thread counts and CPUs."""
