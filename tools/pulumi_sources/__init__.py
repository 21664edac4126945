"""Where tools/get_pulumi.py looks for a Pulumi command."""
