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

CalorTIFFReader *calorTIFFOpen(
    const uint8_t *bytes, size_t count, uint64_t allocationBytes, uint64_t directory, CalorTIFFHeader *header, int *status,
    char *message) {
    memset(header, 0, sizeof *header);
    *status = CALOR_TIFF_MEMORY;
    copyMessage(message, "out of memory");
    CalorTIFFReader *reader = calloc(1, sizeof *reader);
    if (!reader) return NULL;
    reader->memory.input = bytes;
    reader->memory.count = count;
    // "h" reads the header only: a damaged first page must not hide the one that is wanted. "r" with "m" off would copy.
    TIFF *tiff = reader->tiff = openMemory(&reader->memory, "rh", allocationBytes);
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
    }
    reader->header = *header;
    reader->memory.message[0] = 0;
    *status = CALOR_TIFF_OK;
    return reader;
}

int calorTIFFReadChunk(CalorTIFFReader *reader, uint32_t index, uint8_t *to, size_t bytes, size_t *got, char *message) {
    reader->memory.message[0] = 0;
    *got = 0;
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
