"""Printed forms: HTML of one file, in Japanese, which any browser opens and prints without a network. They
are made by whoever asks for them, of what the desk answered; `callrec.commands` writes them."""
