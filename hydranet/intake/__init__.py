"""What strangers hand over, read within limits: pictures, and ZIP files of them. Light: no torch.

`images` makes of bytes the RGB picture that a person would see, `image_files` reads what a file of
a picture is made of before any decoder sees it; `zips` opens a ZIP, `archives` goes through the
images in one; `parquet_bounds` says how much a Parquet file may ask for. A checkpoint of theirs is
read by `hydranet.checkpoints`. SECURITY.md says what is promised.
"""
