#pragma once
// TIFF in and out of memory through libtiff. Every callback stays inside this file's implementation;
// every outcome is a status, with a message of at most CALOR_TIFF_MESSAGE bytes.
#include <stddef.h>
#include <stdint.h>

#define CALOR_TIFF_MESSAGE 200
#define CALOR_TIFF_EXTRAS 32

enum {
    CALOR_TIFF_OK = 0,
    CALOR_TIFF_DAMAGED = 1,
    CALOR_TIFF_TRUNCATED = 2,
    CALOR_TIFF_UNSUPPORTED = 3,
    CALOR_TIFF_MEMORY = 4,
    CALOR_TIFF_WRITE = 5  // the file below could not be written
};

typedef struct {
    uint32_t width, height;
    uint16_t bits, samples, sampleFormat, photometric, planar, compression, orientation, inkSet;
    uint16_t extraCount, extras[CALOR_TIFF_EXTRAS];
    uint16_t chromaHorizontal, chromaVertical;
    uint8_t isTiled, isBigTIFF, isBigEndian, isCodecKnown, hasPalette;
    /// Strips of many rows are given in parts: `chunk…` is then a part, read from the first to the last. `isPlain`: without libtiff.
    uint8_t isSplit, isPlain;
    /// One decoded strip or tile.
    uint32_t chunkWidth, chunkHeight, chunkCount;
    uint64_t chunkBytes, rowBytes;
    const uint16_t *palette[3];
} CalorTIFFHeader;

typedef struct CalorTIFFReader CalorTIFFReader;

/// Opens the directory at `directory` in `bytes`, or when they are NULL in the open file `file` of `count` bytes. The reader must be closed whatever the status.
CalorTIFFReader *calorTIFFOpen(
    const uint8_t *bytes, int file, size_t count, uint64_t allocationBytes, uint64_t directory, CalorTIFFHeader *header,
    int *status, char *message);
/// One decoded strip or tile in host byte order; `*got` is how many bytes of `to` were filled.
int calorTIFFReadChunk(CalorTIFFReader *reader, uint32_t index, uint8_t *to, size_t bytes, size_t *got, char *message);
/// The whole picture as 8-bit RGBA through libtiff's own colour conversion, top row first.
int calorTIFFReadRGBA(CalorTIFFReader *reader, uint32_t *pixels, char *message);
void calorTIFFClose(CalorTIFFReader *reader);

typedef struct {
    uint32_t width, height, rowsPerStrip;
    uint16_t bits, samples, sampleFormat, photometric, compression, predictor;
    int compressionLevel;  // below 0: the codec's own default
    uint8_t hasAlpha, isBigTIFF;
    double xPerCentimetre, yPerCentimetre;  // 0: not written
    const uint8_t *icc, *xmp, *iptc;
    uint32_t iccCount, xmpCount, iptcCount;
} CalorTIFFImage;

typedef struct CalorTIFFWriter CalorTIFFWriter;

/// Into memory, or when `file` is 0 or above, to that open file, which must be readable as well.
CalorTIFFWriter *calorTIFFWriterOpen(const CalorTIFFImage *image, int file, int *status, char *message);
/// An ASCII tag; before the first strip.
int calorTIFFWriteText(CalorTIFFWriter *writer, uint32_t tag, const char *value, char *message);
int calorTIFFWriteStrip(CalorTIFFWriter *writer, uint32_t index, uint8_t *bytes, size_t count, char *message);
/// `*bytes` are those of the whole file when it was written into memory.
int calorTIFFWriterFinish(CalorTIFFWriter *writer, const uint8_t **bytes, size_t *count, char *message);
/// Bytes of the finished file, and changes to it; after calorTIFFWriterFinish, which may then be called again.
size_t calorTIFFWriterGet(CalorTIFFWriter *writer, size_t offset, uint8_t *to, size_t count);
int calorTIFFWriterPut(CalorTIFFWriter *writer, size_t offset, const uint8_t *bytes, size_t count, char *message);
void calorTIFFWriterClose(CalorTIFFWriter *writer);
int calorTIFFHasCodec(uint16_t compression);
const char *calorTIFFVersion(void);
