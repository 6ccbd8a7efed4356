#pragma once
// PNG in and out of memory through libpng. Every longjmp stays inside this file's implementation;
// every outcome is a status, with a message of at most CALOR_PNG_MESSAGE bytes.
#include <stddef.h>
#include <stdint.h>

#define CALOR_PNG_MESSAGE 200

enum {
    CALOR_PNG_OK = 0,
    CALOR_PNG_TRUNCATED = 1,
    CALOR_PNG_CRC = 2,
    CALOR_PNG_DAMAGED = 3,
    CALOR_PNG_LIMIT = 4,
    CALOR_PNG_MEMORY = 5,
    CALOR_PNG_WRITE = 6  // the file below could not be written
};

typedef struct {
    uint64_t memoryBytes;    // all that libpng may hold at one time
    uint64_t chunkBytes;     // one chunk after decompression
    uint32_t chunkItems;     // chunks kept in memory
    uint32_t sidePixels;
    uint32_t piece;          // compressed bytes taken at once; what a cut leaves of a piece is lost
} CalorPNGLimits;

typedef struct {
    uint32_t width, height;
    uint8_t bitDepth, colourType, interlaced;
    uint8_t outputChannels, outputBits;  // after expansion of palettes, small depths and tRNS
    uint8_t hasGamma, hasIntent, hasChromaticities, hasCICP, hasResolution;
    uint8_t intent, cicp[4];
    uint32_t gamma, chromaticities[8], xPerMetre, yPerMetre;
    const uint8_t *icc, *exif;
    uint32_t iccCount, exifCount, textCount;
} CalorPNGHeader;

typedef struct {
    const char *key, *value;
    size_t keyCount, valueCount;
    int isUTF8;
} CalorPNGText;

typedef struct CalorPNGReader CalorPNGReader;

/// Reads up to the first IDAT, from `bytes`, or when they are NULL from the open file `file` of `count` bytes. The reader must be closed whatever the status; it is NULL only when memory is short.
CalorPNGReader *calorPNGOpen(
    const uint8_t *bytes, int file, size_t count, const CalorPNGLimits *limits, CalorPNGHeader *header, int *status,
    char *message);
/// Text chunks seen so far, those behind the image included once calorPNGFinish has run.
uint32_t calorPNGTextCount(CalorPNGReader *reader);
int calorPNGTextAt(CalorPNGReader *reader, uint32_t index, CalorPNGText *text);
/// The next `rows` rows; all of them at once when the image is interlaced.
int calorPNGReadRows(CalorPNGReader *reader, uint8_t *pixels, size_t rowBytes, uint32_t rows, char *message);
/// Reads and checks everything behind the image; refreshes the metadata in `header`.
int calorPNGFinish(CalorPNGReader *reader, CalorPNGHeader *header, char *message);
/// The first thing that libpng found odd but not wrong; empty when there was none.
const char *calorPNGWarning(CalorPNGReader *reader);
void calorPNGClose(CalorPNGReader *reader);

typedef struct {
    uint32_t width, height;
    uint8_t bitDepth, colourType;
    int compressionLevel;
    uint8_t hasGamma, hasIntent, hasChromaticities, hasCICP, hasResolution;
    uint8_t intent, cicp[4];
    uint32_t gamma, chromaticities[8], xPerMetre, yPerMetre;
    const uint8_t *icc, *exif;
    uint32_t iccCount, exifCount;
} CalorPNGImage;

typedef struct CalorPNGWriter CalorPNGWriter;

/// Into memory, or when `file` is 0 or above, to that open file.
CalorPNGWriter *calorPNGWriterOpen(const CalorPNGImage *image, int file, int *status, char *message);
/// Before the first row. `key` is Latin-1 of 1–79 bytes; `value` is Latin-1 or UTF-8. All are NUL-terminated.
int calorPNGWriteText(CalorPNGWriter *writer, const char *key, const char *value, int isUTF8, char *message);
int calorPNGWriteRows(CalorPNGWriter *writer, const uint8_t *pixels, size_t rowBytes, uint32_t rows, char *message);
/// `*bytes` are those of the whole file when it was written into memory.
int calorPNGWriterFinish(CalorPNGWriter *writer, const uint8_t **bytes, size_t *count, char *message);
const char *calorPNGWriterWarning(CalorPNGWriter *writer);
void calorPNGWriterClose(CalorPNGWriter *writer);
const char *calorPNGVersion(void);
