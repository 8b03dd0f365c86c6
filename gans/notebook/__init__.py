"""What a notebook has beside the commands: tables as frames, answers that show themselves, a folder to hand on."""
