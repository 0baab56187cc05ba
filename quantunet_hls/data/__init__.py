"""Images: folders of them, single files, phantoms, tiles, and what a design is checked on."""
