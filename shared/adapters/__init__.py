"""What stands behind the ports, a package for each back-end; nothing but `shared.backends` chooses one."""
