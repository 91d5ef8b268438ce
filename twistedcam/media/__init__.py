"""Values of moving pictures: frames, JPEG, times, rates. No input or output."""
