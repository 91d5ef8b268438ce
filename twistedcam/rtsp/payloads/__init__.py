"""RTP payload formats: access units from packets, and packets from access units."""
