"""The settings by area, one file each; `gonemaster_tasks.config.settings` joins them."""
