"""What runs in Pulumi's plugin process."""
