"""What happened to a person, as official measures ask for it: coded events with exact times, of any source."""
