"""Keeps the announcements: what is said, in which language, in files the PBX can play.

`library` is a folder of announcements, and `index` its prompts.toml: the controller asks it for every call,
the copy of the rules for the PBX for every extension, and `callrec prompt add` puts an announcement into it,
sounds and words at once. What is put in comes out of a file of any format: `decoder` has ffmpeg read it, and
`file_ends` looks whether its end is there; `measures` tells what a caller would hear of it, `judgement`
whether that will do, and `playable` brings it to the loudness and the rates of a telephone. Which call gets
which announcement is the matter of callrec.policy; the PBX plays it.
"""
