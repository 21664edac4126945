"""What the plugin and the commands both do: ask, write, prove."""
