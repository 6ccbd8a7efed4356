#include "memory.h"

struct CalorTIFFReader {
    Memory memory;
    TIFF *tiff;
    CalorTIFFHeader header;
};

static int fail(CalorTIFFReader *reader, int status, char *message) {
    copyMessage(message, reader->memory.message);
    return status;
}

static void readExtras(TIFF *tiff, CalorTIFFHeader *header) {
    uint16_t count = 0;
    uint16_t *kinds = NULL;
    TIFFGetFieldDefaulted(tiff, TIFFTAG_EXTRASAMPLES, &count, &kinds);
    if (!kinds) count = 0;
    header->extraCount = count > CALOR_TIFF_EXTRAS ? CALOR_TIFF_EXTRAS : count;
    for (uint16_t i = 0; i < header->extraCount; i++) header->extras[i] = kinds[i];
}

// A strip of many rows is read a part at a time: the first bytes of a strip are never behind its last ones, so that every codec
// but those that give whole pictures can go row by row.
#define PART_BYTES ((uint64_t)4 << 20)

static void splitLargeStrips(TIFF *tiff, CalorTIFFHeader *header) {
    if (header->chunkBytes <= PART_BYTES || header->chunkHeight < 2 || header->rowBytes == 0) return;
    if (header->planar == PLANARCONFIG_SEPARATE && header->samples > 1) return;
    if (header->compression == COMPRESSION_OJPEG || header->photometric == PHOTOMETRIC_YCBCR) return;
    if (header->rowBytes > PART_BYTES * 16) return;
    uint32_t part = (uint32_t)(PART_BYTES / header->rowBytes);
    header->chunkHeight = part > 1 ? part : 1;
    header->chunkCount = (header->height - 1) / header->chunkHeight + 1;
    header->chunkBytes = header->rowBytes * header->chunkHeight;
    header->isSplit = 1;
    uint16_t order = FILLORDER_MSB2LSB;
    TIFFGetFieldDefaulted(tiff, TIFFTAG_FILLORDER, &order);
    int bits = header->bits;
    header->isPlain = header->compression == COMPRESSION_NONE && order == FILLORDER_MSB2LSB && (bits == 8 || bits == 16 || bits == 24
                          || bits == 32 || bits == 64);
}

CalorTIFFReader *calorTIFFOpen(
    const uint8_t *bytes, int file, size_t count, uint64_t allocationBytes, uint64_t directory, CalorTIFFHeader *header,
    int *status, char *message) {
    memset(header, 0, sizeof *header);
    *status = CALOR_TIFF_MEMORY;
    copyMessage(message, "out of memory");
    CalorTIFFReader *reader = calloc(1, sizeof *reader);
    if (!reader) return NULL;
    reader->memory.input = bytes;
    reader->memory.file = bytes ? -1 : file;
    reader->memory.isReading = 1;
    reader->memory.count = count;
    // "h" reads the header only: a damaged first page must not hide the one that is wanted. "m" reads instead of mapping: what is left
    // of a strip that is cut is then the same for memory and for files.
    TIFF *tiff = reader->tiff = openMemory(&reader->memory, "rhm", allocationBytes);
    *status = CALOR_TIFF_DAMAGED;
    if (!tiff || !TIFFSetSubDirectory(tiff, directory)) {
        fail(reader, *status, message);
        return reader;
    }
    header->bits = 1;
    header->samples = 1;
    if (!TIFFGetField(tiff, TIFFTAG_IMAGEWIDTH, &header->width) || !TIFFGetField(tiff, TIFFTAG_IMAGELENGTH, &header->height)) {
        copyMessage(message, "the directory has no width or height");
        return reader;
    }
    TIFFGetFieldDefaulted(tiff, TIFFTAG_BITSPERSAMPLE, &header->bits);
    TIFFGetFieldDefaulted(tiff, TIFFTAG_SAMPLESPERPIXEL, &header->samples);
    TIFFGetFieldDefaulted(tiff, TIFFTAG_SAMPLEFORMAT, &header->sampleFormat);
    TIFFGetFieldDefaulted(tiff, TIFFTAG_PLANARCONFIG, &header->planar);
    TIFFGetFieldDefaulted(tiff, TIFFTAG_COMPRESSION, &header->compression);
    TIFFGetFieldDefaulted(tiff, TIFFTAG_ORIENTATION, &header->orientation);
    TIFFGetFieldDefaulted(tiff, TIFFTAG_INKSET, &header->inkSet);
    TIFFGetFieldDefaulted(tiff, TIFFTAG_YCBCRSUBSAMPLING, &header->chromaHorizontal, &header->chromaVertical);
    if (!TIFFGetField(tiff, TIFFTAG_PHOTOMETRIC, &header->photometric))
        header->photometric = header->samples >= 3 ? PHOTOMETRIC_RGB : PHOTOMETRIC_MINISBLACK;
    readExtras(tiff, header);
    header->isTiled = TIFFIsTiled(tiff) != 0;
    header->isBigTIFF = TIFFIsBigTIFF(tiff) != 0;
    header->isBigEndian = TIFFIsBigEndian(tiff) != 0;
    header->isCodecKnown = TIFFIsCODECConfigured(header->compression) != 0;

    // libtiff turns JPEG's YCbCr into RGB itself when asked.
    if (header->compression == COMPRESSION_JPEG && header->photometric == PHOTOMETRIC_YCBCR && header->isCodecKnown)
        TIFFSetField(tiff, TIFFTAG_JPEGCOLORMODE, JPEGCOLORMODE_RGB);
    uint16_t *map[3] = {NULL, NULL, NULL};
    header->hasPalette = TIFFGetField(tiff, TIFFTAG_COLORMAP, &map[0], &map[1], &map[2]) && map[0] && map[1] && map[2];
    for (int i = 0; i < 3; i++) header->palette[i] = map[i];

    if (header->isTiled) {
        TIFFGetField(tiff, TIFFTAG_TILEWIDTH, &header->chunkWidth);
        TIFFGetField(tiff, TIFFTAG_TILELENGTH, &header->chunkHeight);
        header->chunkCount = TIFFNumberOfTiles(tiff);
        header->chunkBytes = TIFFTileSize64(tiff);
        header->rowBytes = TIFFTileRowSize64(tiff);
    } else {
        uint32_t rows = header->height;
        TIFFGetFieldDefaulted(tiff, TIFFTAG_ROWSPERSTRIP, &rows);
        header->chunkWidth = header->width;
        header->chunkHeight = rows < header->height ? rows : header->height;
        header->chunkCount = TIFFNumberOfStrips(tiff);
        header->chunkBytes = TIFFStripSize64(tiff);
        header->rowBytes = TIFFScanlineSize64(tiff);
        splitLargeStrips(tiff, header);
    }
    reader->header = *header;
    reader->memory.message[0] = 0;
    *status = CALOR_TIFF_OK;
    return reader;
}

// Rows of strips without compression, straight from the file: libtiff would load the whole strip.
static size_t readPlainRow(CalorTIFFReader *reader, uint32_t row, uint8_t *to) {
    uint32_t perStrip = reader->header.height;
    TIFFGetFieldDefaulted(reader->tiff, TIFFTAG_ROWSPERSTRIP, &perStrip);
    if (perStrip == 0 || perStrip > reader->header.height) perStrip = reader->header.height;
    uint32_t strip = row / perStrip;
    size_t rowBytes = (size_t)reader->header.rowBytes;
    uint64_t offset = TIFFGetStrileOffset(reader->tiff, strip), count = TIFFGetStrileByteCount(reader->tiff, strip);
    uint64_t skipped = (uint64_t)(row % perStrip) * rowBytes;
    if (offset == 0 || skipped >= count || offset > reader->memory.count || skipped > reader->memory.count - offset) return 0;
    uint64_t left = count - skipped;
    reader->memory.offset = (size_t)(offset + skipped);
    tmsize_t got = readMemory(&reader->memory, to, (tmsize_t)(left < rowBytes ? left : rowBytes));
    if (got > 0 && TIFFIsByteSwapped(reader->tiff)) {
        switch (reader->header.bits) {
        case 16: TIFFSwabArrayOfShort((uint16_t *)to, got / 2); break;
        case 24: TIFFSwabArrayOfTriples(to, got / 3); break;
        case 32: TIFFSwabArrayOfLong((uint32_t *)to, got / 4); break;
        case 64: TIFFSwabArrayOfLong8((uint64_t *)to, got / 8); break;
        }
    }
    return got > 0 ? (size_t)got : 0;
}

static int readRows(CalorTIFFReader *reader, uint32_t index, uint8_t *to, size_t bytes, size_t *got, char *message) {
    const CalorTIFFHeader *header = &reader->header;
    uint32_t first = index * header->chunkHeight, rows = header->height - first;
    if (rows > header->chunkHeight) rows = header->chunkHeight;
    size_t rowBytes = (size_t)header->rowBytes;
    if (bytes < (size_t)rows * rowBytes) return fail(reader, CALOR_TIFF_DAMAGED, message);
    for (uint32_t row = first; row < first + rows; row++, to += rowBytes) {
        if (header->isPlain) {
            size_t read = readPlainRow(reader, row, to);
            *got += read;
            if (read < rowBytes) {
                copyMessage(message, "a strip ends too early");
                return CALOR_TIFF_TRUNCATED;
            }
        } else {
            if (TIFFReadScanline(reader->tiff, to, row, 0) < 0) return fail(reader, CALOR_TIFF_DAMAGED, message);
            *got += rowBytes;
        }
    }
    return CALOR_TIFF_OK;
}

int calorTIFFReadChunk(CalorTIFFReader *reader, uint32_t index, uint8_t *to, size_t bytes, size_t *got, char *message) {
    reader->memory.message[0] = 0;
    *got = 0;
    if (reader->header.isSplit) return readRows(reader, index, to, bytes, got, message);
    uint64_t offset = TIFFGetStrileOffset(reader->tiff, index), count = TIFFGetStrileByteCount(reader->tiff, index);
    tmsize_t read = reader->header.isTiled ? TIFFReadEncodedTile(reader->tiff, index, to, (tmsize_t)bytes)
                                           : TIFFReadEncodedStrip(reader->tiff, index, to, (tmsize_t)bytes);
    if (read >= 0) {
        *got = (size_t)read;
        return CALOR_TIFF_OK;
    }
    int isOutside = offset > reader->memory.count || count > reader->memory.count - offset;
    return fail(reader, isOutside ? CALOR_TIFF_TRUNCATED : CALOR_TIFF_DAMAGED, message);
}

int calorTIFFReadRGBA(CalorTIFFReader *reader, uint32_t *pixels, char *message) {
    reader->memory.message[0] = 0;
    char reason[1024] = "";
    if (!TIFFRGBAImageOK(reader->tiff, reason)) {
        copyMessage(message, reason);
        return CALOR_TIFF_UNSUPPORTED;
    }
    TIFFRGBAImage image;
    if (!TIFFRGBAImageBegin(&image, reader->tiff, 1, reason)) {
        copyMessage(message, reason);
        return CALOR_TIFF_DAMAGED;
    }
    // Asking for the orientation of the file keeps the pixels where they are stored; the caller turns them.
    image.req_orientation = image.orientation;
    int isRead = TIFFRGBAImageGet(&image, pixels, reader->header.width, reader->header.height);
    TIFFRGBAImageEnd(&image);
    return isRead ? CALOR_TIFF_OK : fail(reader, CALOR_TIFF_DAMAGED, message);
}

void calorTIFFClose(CalorTIFFReader *reader) {
    if (!reader) return;
    if (reader->tiff) TIFFClose(reader->tiff);
    free(reader);
}

int calorTIFFHasCodec(uint16_t compression) { return TIFFIsCODECConfigured(compression); }

const char *calorTIFFVersion(void) { return TIFFGetVersion(); }
