# Part of Pay Now. See LICENSE file for full copyright and licensing details.
"""What a QR code says, read from its picture (ISO/IEC 18004, level M, without correcting)."""

import io

from PIL import Image

#: version -> blocks as (how many, their data bytes) and the bytes of correction in each.
BLOCKS = {
    **{1: ([(1, 16)], 10), 2: ([(1, 28)], 16), 3: ([(1, 44)], 26), 4: ([(2, 32)], 18)},
    **{5: ([(2, 43)], 24), 6: ([(4, 27)], 16), 7: ([(4, 31)], 18)},
    **{8: ([(2, 38), (2, 39)], 22), 9: ([(3, 36), (2, 37)], 22)},
    **{10: ([(4, 43), (1, 44)], 26), 11: ([(1, 50), (4, 51)], 30)},
    **{12: ([(6, 36), (2, 37)], 22), 13: ([(8, 37), (1, 38)], 22)},
}
MASKS = (
    lambda row, col: (row + col) % 2,
    lambda row, _col: row % 2,
    lambda _row, col: col % 3,
    lambda row, col: (row + col) % 3,
    lambda row, col: (row // 2 + col // 3) % 2,
    lambda row, col: row * col % 2 + row * col % 3,
    lambda row, col: (row * col % 2 + row * col % 3) % 2,
    lambda row, col: ((row + col) % 2 + row * col % 3) % 2,
)


def read(picture):
    """Return version, level and words of a code.

    :param bytes picture: of the code and nothing else.
    :rtype: tuple(int, str, str)
    """
    modules = find_modules(picture)
    size = len(modules)
    version = (size - 17) // 4
    bits = [modules[8][col] for col in (0, 1, 2, 3, 4)]
    told = int(''.join(map(str, bits)), 2) ^ 0b10101
    level, mask = 'MLHQ'[told >> 3], MASKS[told & 7]
    fixed = fixed_modules(version)
    bits = []
    for number, right in enumerate([*range(size - 1, 6, -2), *range(5, 0, -2)]):
        rows = range(size) if number % 2 else reversed(range(size))
        for row in rows:
            for col in (right, right - 1):
                if (row, col) not in fixed:
                    bits.append(modules[row][col] ^ (not mask(row, col)))
    return version, level, say(version, bits)


def find_modules(picture):
    """Return the rows of a code, 1 for what is dark."""
    image = Image.open(io.BytesIO(picture)).convert('L').point(lambda one: 255 * (one < 128))
    left, top, right, bottom = image.getbbox()
    for version in BLOCKS:
        size = 17 + 4 * version
        at = [(one + 0.5) / size for one in range(size)]
        cols = [int(left + (right - left) * one) for one in at]
        rows = [int(top + (bottom - top) * one) for one in at]
        modules = [[int(image.getpixel((col, row)) > 0) for col in cols] for row in rows]
        # Light and dark in turn, between the corners.
        if modules[6][6:-6] == [1 - one % 2 for one in range(size - 12)]:
            return modules
    raise ValueError("No code")


def fixed_modules(version):
    """Return where no data are."""
    size = 17 + 4 * version
    fixed = {(6, one) for one in range(size)} | {(one, 6) for one in range(size)}
    for rows, cols in ((9, 9), (9, -8), (-8, 9)):
        fixed |= {
            (row % size, col % size)
            for row in range(min(rows, 0), max(rows, 0))
            for col in range(min(cols, 0), max(cols, 0))
        }
    centres = []
    if version > 1:
        centres = [6, size - 7] if version < 7 else [6, (size - 1) // 2, size - 7]
    ends = {(6, 6), (6, size - 7), (size - 7, 6)}
    for at in {(row, col) for row in centres for col in centres} - ends:
        fixed |= {(at[0] + row, at[1] + col) for row in range(-2, 3) for col in range(-2, 3)}
    if version >= 7:
        version_places = {(row, size - col) for row in range(6) for col in (9, 10, 11)}
        fixed |= version_places | {(col, row) for row, col in version_places}
    return fixed


def say(version, bits):
    """Return the words that the bits of a code are."""
    blocks, correction = BLOCKS[version]
    lengths = [length for count, length in blocks for _number in range(count)]
    total = sum(lengths) + correction * len(lengths)
    data = [int(''.join(map(str, map(int, bits[8 * at : 8 * at + 8]))), 2) for at in range(total)]
    parts = [[] for _length in lengths]
    told = iter(data)
    for number in range(max(lengths)):
        for part, length in zip(parts, lengths, strict=True):
            if number < length:
                part.append(next(told))
    text = ''.join(f'{one:08b}' for part in parts for one in part)
    if text[:4] != '0100':
        raise ValueError(f"Not in bytes: {text[:4]}")
    width = 8 if version < 10 else 16
    count = int(text[4 : 4 + width], 2)
    start = 4 + width
    return bytes(int(text[start + 8 * at : start + 8 * at + 8], 2) for at in range(count)).decode()
