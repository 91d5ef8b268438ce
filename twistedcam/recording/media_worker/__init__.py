"""The program that reads video files with FFmpeg: ``python -m twistedcam.recording.media_worker``.

Anybody can put a file into the recordings folder, and FFmpeg reads hundreds of formats: a file can
make it crash, use all memory, or never end. So the server reads none itself but starts this program
(``library.media_reader``), which may crash instead. It imports little, so that it starts at once.
"""
