"""The heavy program: one order from its worker in, one network out; it knows no bus and no job store."""
