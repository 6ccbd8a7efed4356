#include "trap.h"

#include <errno.h>
#include <unistd.h>

struct CalorPNGWriter {
    Trap trap;
    png_structp png;
    png_infop info;
    uint8_t *bytes;
    size_t count, capacity;
    int file;  // below 0: everything stays in memory
    int startedRows;
};

// Everything in `bytes` to the file.
static void flushBlock(CalorPNGWriter *writer) {
    size_t done = 0;
    while (done < writer->count) {
        ssize_t wrote = write(writer->file, writer->bytes + done, writer->count - done);
        if (wrote < 0 && errno == EINTR) continue;
        if (wrote <= 0) {
            writer->trap.status = CALOR_PNG_WRITE;
            png_error(writer->png, wrote < 0 ? strerror(errno) : "nothing was written");
        }
        done += (size_t)wrote;
    }
    writer->count = 0;
}

static void writeBytes(png_structp png, png_bytep from, size_t count) {
    CalorPNGWriter *writer = png_get_io_ptr(png);
    if (writer->file >= 0 && writer->count + count > (1 << 20)) flushBlock(writer);
    if (count > writer->capacity - writer->count) {
        size_t wanted = writer->capacity * 2 > writer->count + count ? writer->capacity * 2 : writer->count + count;
        uint8_t *larger = realloc(writer->bytes, wanted);
        if (!larger) {
            writer->trap.status = CALOR_PNG_MEMORY;
            png_error(png, "out of memory");
        }
        writer->bytes = larger;
        writer->capacity = wanted;
    }
    memcpy(writer->bytes + writer->count, from, count);
    writer->count += count;
}

static void flushNothing(png_structp png) { (void)png; }

CalorPNGWriter *calorPNGWriterOpen(const CalorPNGImage *image, int file, int *status, char *message) {
    *status = CALOR_PNG_MEMORY;
    copyMessage(message, "out of memory");
    CalorPNGWriter *writer = calloc(1, sizeof *writer);
    if (!writer) return NULL;
    writer->file = file;
    writer->capacity = 1 << 16;
    writer->bytes = malloc(writer->capacity);
    if (!writer->bytes) return writer;
    if (setjmp(writer->trap.jump)) {
        *status = writer->trap.status;
        copyMessage(message, writer->trap.message);
        return writer;
    }
    writer->png = png_create_write_struct(PNG_LIBPNG_VER_STRING, &writer->trap, onError, onWarning);
    if (!writer->png) return writer;
    png_structp png = writer->png;
    png_infop info = writer->info = png_create_info_struct(png);
    if (!info) return writer;
    png_set_write_fn(png, writer, writeBytes, flushNothing);
    png_set_user_limits(png, 0x7fffffff, 0x7fffffff);
    png_set_compression_level(png, image->compressionLevel);
    png_set_IHDR(
        png, info, image->width, image->height, image->bitDepth, image->colourType, PNG_INTERLACE_NONE,
        PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
    if (image->hasGamma) png_set_gAMA_fixed(png, info, (png_fixed_point)image->gamma);
    if (image->hasChromaticities) {
        const uint32_t *c = image->chromaticities;
        png_set_cHRM_fixed(png, info, (int)c[0], (int)c[1], (int)c[2], (int)c[3], (int)c[4], (int)c[5], (int)c[6], (int)c[7]);
    }
    if (image->hasIntent) png_set_sRGB(png, info, image->intent);
    if (image->icc) {
        // A profile with a fault of its own is left out with a warning; the picture is written.
        png_set_benign_errors(png, 1);
        png_set_iCCP(png, info, "icc", 0, image->icc, image->iccCount);
        png_set_benign_errors(png, 0);
    }
    if (image->exif) png_set_eXIf_1(png, info, image->exifCount, (png_bytep)image->exif);
    if (image->hasResolution) png_set_pHYs(png, info, image->xPerMetre, image->yPerMetre, PNG_RESOLUTION_METER);
    if (image->hasCICP) {
        png_unknown_chunk chunk = {.name = "cICP", .data = (png_bytep)image->cicp, .size = 4, .location = PNG_HAVE_IHDR};
        png_set_keep_unknown_chunks(png, PNG_HANDLE_CHUNK_ALWAYS, NULL, 0);
        png_set_unknown_chunks(png, info, &chunk, 1);
    }
    *status = CALOR_PNG_OK;
    return writer;
}

int calorPNGWriteText(CalorPNGWriter *writer, const char *key, const char *value, int isUTF8, char *message) {
    if (setjmp(writer->trap.jump)) {
        copyMessage(message, writer->trap.message);
        return writer->trap.status;
    }
    int large = strlen(value) > 1024;
    png_text text = {.key = (char *)key, .text = (char *)value};
    if (isUTF8) {
        text.compression = large ? PNG_ITXT_COMPRESSION_zTXt : PNG_ITXT_COMPRESSION_NONE;
        text.itxt_length = strlen(value);
    } else {
        text.compression = large ? PNG_TEXT_COMPRESSION_zTXt : PNG_TEXT_COMPRESSION_NONE;
        text.text_length = strlen(value);
    }
    png_set_text(writer->png, writer->info, &text, 1);
    return CALOR_PNG_OK;
}

int calorPNGWriteRows(CalorPNGWriter *writer, const uint8_t *pixels, size_t rowBytes, uint32_t rows, char *message) {
    if (setjmp(writer->trap.jump)) {
        copyMessage(message, writer->trap.message);
        return writer->trap.status;
    }
    if (!writer->startedRows) {
        png_write_info(writer->png, writer->info);
        if (png_get_bit_depth(writer->png, writer->info) == 16 && *(const uint8_t *)&(const uint16_t){1}) png_set_swap(writer->png);
        writer->startedRows = 1;
    }
    if (png_get_rowbytes(writer->png, writer->info) != rowBytes) png_error(writer->png, "the row size is not as announced");
    for (uint32_t y = 0; y < rows; y++) png_write_row(writer->png, pixels + (size_t)y * rowBytes);
    return CALOR_PNG_OK;
}

int calorPNGWriterFinish(CalorPNGWriter *writer, const uint8_t **bytes, size_t *count, char *message) {
    if (setjmp(writer->trap.jump)) {
        copyMessage(message, writer->trap.message);
        return writer->trap.status;
    }
    png_write_end(writer->png, NULL);
    if (writer->file >= 0) flushBlock(writer);
    *bytes = writer->bytes;
    *count = writer->count;
    return CALOR_PNG_OK;
}

const char *calorPNGWriterWarning(CalorPNGWriter *writer) { return writer->trap.warning; }

void calorPNGWriterClose(CalorPNGWriter *writer) {
    if (!writer) return;
    if (writer->png) png_destroy_write_struct(&writer->png, &writer->info);
    free(writer->bytes);
    free(writer);
}
