#pragma once
// JPEG in and out of memory through libjpeg-turbo. Every longjmp stays inside this file's implementation;
// every outcome is a status, with a message of at most CALOR_JPEG_MESSAGE bytes.
#include <stddef.h>
#include <stdint.h>

#define CALOR_JPEG_MESSAGE 200

enum {
    CALOR_JPEG_OK = 0,
    CALOR_JPEG_DAMAGED = 1,
    CALOR_JPEG_TRUNCATED = 2,
    CALOR_JPEG_UNSUPPORTED = 3,
    CALOR_JPEG_LIMIT = 4,
    CALOR_JPEG_MEMORY = 5
};

typedef struct {
    uint32_t width, height;
    uint8_t components, bits, isProgressive, isArithmetic, hasAdobe;
    /// 1 grey, 3 RGB, 4 CMYK as libjpeg hands it out (inverted inks when an Adobe marker is there).
    uint8_t outputChannels;
    uint8_t densityUnit;
    uint16_t densityX, densityY;
    /// Bytes of all coefficients: what a file of several scans needs beside the pixels.
    uint64_t coefficientBytes;
} CalorJPEGHeader;

typedef struct {
    uint32_t truncations, damages, harmless;
    /// Of a progressive file: scans that lack their end, and coefficients that no scan brought to their full precision.
    uint32_t missingDetail;
    char truncation[CALOR_JPEG_MESSAGE], damage[CALOR_JPEG_MESSAGE], other[CALOR_JPEG_MESSAGE];
} CalorJPEGWarnings;

typedef struct CalorJPEGReader CalorJPEGReader;

/// Reads the header. The reader must be closed whatever the status.
CalorJPEGReader *calorJPEGOpen(
    const uint8_t *bytes, size_t count, uint64_t memoryBytes, uint32_t scans, uint32_t seconds, CalorJPEGHeader *header,
    int *status, char *message);
int calorJPEGStart(CalorJPEGReader *reader, char *message);
/// The next `rows` rows. Missing data is filled by libjpeg and shows up in the warnings.
int calorJPEGReadRows(CalorJPEGReader *reader, uint8_t *pixels, size_t rowBytes, uint32_t rows, char *message);
int calorJPEGFinish(CalorJPEGReader *reader, char *message);
void calorJPEGTakeWarnings(CalorJPEGReader *reader, CalorJPEGWarnings *warnings);
void calorJPEGClose(CalorJPEGReader *reader);

typedef struct {
    uint32_t width, height;
    uint8_t channels;  // 1 or 3
    int quality;       // 1–100
    uint8_t horizontalSampling, verticalSampling;  // of the luma: 1×1 is 4:4:4, 2×1 is 4:2:2, 2×2 is 4:2:0
    uint8_t isProgressive;
    uint8_t densityUnit;
    uint16_t densityX, densityY;
} CalorJPEGImage;

typedef struct CalorJPEGWriter CalorJPEGWriter;

CalorJPEGWriter *calorJPEGWriterOpen(const CalorJPEGImage *image, int *status, char *message);
/// Before the first row; `marker` is 0xE0–0xEF or 0xFE, `count` at most 65533.
int calorJPEGWriteMarker(CalorJPEGWriter *writer, int marker, const uint8_t *bytes, uint32_t count, char *message);
int calorJPEGWriteRows(CalorJPEGWriter *writer, const uint8_t *pixels, size_t rowBytes, uint32_t rows, char *message);
int calorJPEGWriterFinish(CalorJPEGWriter *writer, const uint8_t **bytes, size_t *count, char *message);
void calorJPEGWriterClose(CalorJPEGWriter *writer);
const char *calorJPEGVersion(void);
