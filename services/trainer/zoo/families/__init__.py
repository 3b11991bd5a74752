"""The rows of the catalogue, family by family: figures and names of layers as data; nothing here builds a network."""
