"""How several heads compare on the same images; nothing here fits one."""
