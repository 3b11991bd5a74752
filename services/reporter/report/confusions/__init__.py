"""Which classes are taken for which, as groups and as grids of cells with places; nothing here draws or words."""
