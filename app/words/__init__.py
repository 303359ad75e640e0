"""What pages call things, and sentences that several pages say. Pure."""
