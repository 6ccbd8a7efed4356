#include "CCalorJPEG.h"

#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <jpeglib.h>
#include <jerror.h>

// MARK: - Shared: messages

typedef struct {
    struct jpeg_error_mgr manager;
    jmp_buf jump;
    int status;
    char message[CALOR_JPEG_MESSAGE];
    CalorJPEGWarnings warnings;
} Trap;

static void copyMessage(char *to, const char *from) {
    if (!to) return;
    strncpy(to, from ? from : "", CALOR_JPEG_MESSAGE - 1);
    to[CALOR_JPEG_MESSAGE - 1] = 0;
}

static void onError(j_common_ptr info) {
    Trap *trap = (Trap *)info->err;
    char text[JMSG_LENGTH_MAX];
    info->err->format_message(info, text);
    copyMessage(trap->message, text);
    switch (info->err->msg_code) {
    case JERR_OUT_OF_MEMORY: trap->status = CALOR_JPEG_MEMORY; break;
    case JERR_NO_BACKING_STORE: trap->status = CALOR_JPEG_LIMIT; break;
    case JERR_INPUT_EMPTY:
    case JERR_INPUT_EOF: trap->status = CALOR_JPEG_TRUNCATED; break;
    case JERR_SOF_UNSUPPORTED:
    case JERR_BAD_PRECISION:
    case JERR_ARITH_NOTIMPL:
    case JERR_CCIR601_NOTIMPL:
    case JERR_FRACT_SAMPLE_NOTIMPL:
    case JERR_CONVERSION_NOTIMPL: trap->status = CALOR_JPEG_UNSUPPORTED; break;
    default: trap->status = trap->status == CALOR_JPEG_OK ? CALOR_JPEG_DAMAGED : trap->status;
    }
    longjmp(trap->jump, 1);
}

// Whether the scan that is read refines a picture that is there: the detail of a progressive file.
static int isDetail(j_common_ptr info) {
    if (!info->is_decompressor) return 0;
    const struct jpeg_decompress_struct *reader = (const struct jpeg_decompress_struct *)info;
    return reader->progressive_mode && reader->Ss > 0;
}

// Warnings are told apart: what is missing, what is wrong, and what does no harm to the pixels.
static void onMessage(j_common_ptr info, int level) {
    if (level >= 0) return;
    Trap *trap = (Trap *)info->err;
    CalorJPEGWarnings *warnings = &trap->warnings;
    info->err->num_warnings++;
    char text[JMSG_LENGTH_MAX];
    info->err->format_message(info, text);
    switch (info->err->msg_code) {
    case JWRN_HIT_MARKER:
        // A file that is cut also says JWRN_JPEG_EOF: here another marker follows, and the scan lacks its end.
        if (isDetail(info)) {
            warnings->missingDetail++;
            break;
        }
        // fall through
    case JWRN_JPEG_EOF:
        if (warnings->truncations++ == 0) copyMessage(warnings->truncation, text);
        break;
    case JWRN_HUFF_BAD_CODE:
    case JWRN_ARITH_BAD_CODE:
    case JWRN_MUST_RESYNC:
        if (warnings->damages++ == 0) copyMessage(warnings->damage, text);
        break;
    default:
        if (warnings->harmless++ == 0) copyMessage(warnings->other, text);
    }
}

static void printNothing(j_common_ptr info) { (void)info; }

static void setTrap(Trap *trap) {
    jpeg_std_error(&trap->manager);
    trap->manager.error_exit = onError;
    trap->manager.emit_message = onMessage;
    trap->manager.output_message = printNothing;
}

// MARK: - Reading

struct CalorJPEGReader {
    Trap trap;
    struct jpeg_decompress_struct info;
    struct jpeg_progress_mgr progress;
    int created;
    uint32_t scans;
    time_t deadline;
};

static time_t secondsNow(void) {
    struct timespec now;
    return clock_gettime(CLOCK_MONOTONIC, &now) == 0 ? now.tv_sec : 0;
}

static void stopAtLimit(CalorJPEGReader *reader, const char *text) {
    reader->trap.status = CALOR_JPEG_LIMIT;
    copyMessage(reader->trap.message, text);
    longjmp(reader->trap.jump, 1);
}

// A progressive file may hold any number of scans over the whole picture: time, not memory, is what it attacks.
static void onProgress(j_common_ptr info) {
    CalorJPEGReader *reader = info->client_data;
    if ((uint32_t)reader->info.input_scan_number > reader->scans) stopAtLimit(reader, "too many scans");
    if (secondsNow() > reader->deadline) stopAtLimit(reader, "decoding takes too much time");
}

CalorJPEGReader *calorJPEGOpen(
    const uint8_t *bytes, size_t count, uint64_t memoryBytes, uint32_t scans, uint32_t seconds, CalorJPEGHeader *header,
    int *status, char *message) {
    memset(header, 0, sizeof *header);
    *status = CALOR_JPEG_MEMORY;
    copyMessage(message, "out of memory");
    CalorJPEGReader *reader = calloc(1, sizeof *reader);
    if (!reader) return NULL;
    struct jpeg_decompress_struct *info = &reader->info;
    reader->scans = scans;
    reader->deadline = secondsNow() + (time_t)seconds;
    setTrap(&reader->trap);
    info->err = &reader->trap.manager;
    if (setjmp(reader->trap.jump)) {
        *status = reader->trap.status;
        copyMessage(message, reader->trap.message);
        return reader;
    }
    jpeg_create_decompress(info);
    reader->created = 1;
    info->client_data = reader;
    info->mem->max_memory_to_use = memoryBytes > 0x7fffffff ? 0x7fffffff : (long)memoryBytes;
    reader->progress.progress_monitor = onProgress;
    info->progress = &reader->progress;
    jpeg_mem_src(info, (unsigned char *)bytes, (unsigned long)count);
    jpeg_read_header(info, TRUE);

    header->width = info->image_width;
    header->height = info->image_height;
    header->components = (uint8_t)info->num_components;
    header->bits = (uint8_t)info->data_precision;
    header->isProgressive = info->progressive_mode != 0;
    header->isArithmetic = info->arith_code != 0;
    header->hasAdobe = info->saw_Adobe_marker != 0;
    if (info->saw_JFIF_marker) {
        header->densityUnit = info->density_unit;
        header->densityX = info->X_density;
        header->densityY = info->Y_density;
    }
    switch (info->jpeg_color_space) {
    case JCS_GRAYSCALE: info->out_color_space = JCS_GRAYSCALE; header->outputChannels = 1; break;
    case JCS_RGB:
    case JCS_YCbCr: info->out_color_space = JCS_RGB; header->outputChannels = 3; break;
    case JCS_CMYK:
    case JCS_YCCK: info->out_color_space = JCS_CMYK; header->outputChannels = 4; break;
    default: header->outputChannels = 0;
    }
    info->dct_method = JDCT_ISLOW;
    if (info->progressive_mode || jpeg_has_multiple_scans(info)) {
        for (int i = 0; i < info->num_components; i++) {
            const jpeg_component_info *part = &info->comp_info[i];
            header->coefficientBytes += (uint64_t)part->width_in_blocks * part->height_in_blocks * DCTSIZE2 * sizeof(JCOEF);
        }
    }
    *status = CALOR_JPEG_OK;
    return reader;
}

#define ENTER(handle)                                   \
    if (setjmp(handle->trap.jump)) {                    \
        copyMessage(message, handle->trap.message);     \
        return handle->trap.status;                     \
    }

int calorJPEGStart(CalorJPEGReader *reader, char *message) {
    ENTER(reader)
    jpeg_start_decompress(&reader->info);
    return CALOR_JPEG_OK;
}

int calorJPEGReadRows(CalorJPEGReader *reader, uint8_t *pixels, size_t rowBytes, uint32_t rows, char *message) {
    ENTER(reader)
    if ((size_t)reader->info.output_width * (size_t)reader->info.output_components != rowBytes) {
        copyMessage(message, "the row size is not as announced");
        return CALOR_JPEG_DAMAGED;
    }
    for (uint32_t y = 0; y < rows; y++) {
        JSAMPROW row = pixels + (size_t)y * rowBytes;
        if (jpeg_read_scanlines(&reader->info, &row, 1) != 1) {
            copyMessage(message, "a row is missing");
            return CALOR_JPEG_TRUNCATED;
        }
    }
    return CALOR_JPEG_OK;
}

int calorJPEGFinish(CalorJPEGReader *reader, char *message) {
    ENTER(reader)
    // A progressive file whose last scans were never sent is whole for libjpeg, but coarser than it was made.
    if (reader->info.progressive_mode && reader->info.coef_bits) {
        for (int i = 0; i < reader->info.num_components; i++) {
            for (int k = 0; k < DCTSIZE2; k++) reader->trap.warnings.missingDetail += reader->info.coef_bits[i][k] != 0;
        }
    }
    jpeg_finish_decompress(&reader->info);
    return CALOR_JPEG_OK;
}

void calorJPEGTakeWarnings(CalorJPEGReader *reader, CalorJPEGWarnings *warnings) { *warnings = reader->trap.warnings; }

void calorJPEGClose(CalorJPEGReader *reader) {
    if (!reader) return;
    if (reader->created) jpeg_destroy_decompress(&reader->info);
    free(reader);
}

// MARK: - Writing

struct CalorJPEGWriter {
    Trap trap;
    struct jpeg_compress_struct info;
    int created;
    unsigned char *bytes;
    unsigned long count;
};

CalorJPEGWriter *calorJPEGWriterOpen(const CalorJPEGImage *image, int *status, char *message) {
    *status = CALOR_JPEG_MEMORY;
    copyMessage(message, "out of memory");
    CalorJPEGWriter *writer = calloc(1, sizeof *writer);
    if (!writer) return NULL;
    struct jpeg_compress_struct *info = &writer->info;
    setTrap(&writer->trap);
    info->err = &writer->trap.manager;
    if (setjmp(writer->trap.jump)) {
        *status = writer->trap.status;
        copyMessage(message, writer->trap.message);
        return writer;
    }
    jpeg_create_compress(info);
    writer->created = 1;
    jpeg_mem_dest(info, &writer->bytes, &writer->count);
    info->image_width = image->width;
    info->image_height = image->height;
    info->input_components = image->channels;
    info->in_color_space = image->channels == 1 ? JCS_GRAYSCALE : JCS_RGB;
    jpeg_set_defaults(info);
    jpeg_set_quality(info, image->quality, TRUE);
    info->dct_method = JDCT_ISLOW;
    info->optimize_coding = TRUE;
    if (image->channels == 3) {
        info->comp_info[0].h_samp_factor = image->horizontalSampling;
        info->comp_info[0].v_samp_factor = image->verticalSampling;
    }
    if (image->isProgressive) jpeg_simple_progression(info);
    info->density_unit = image->densityUnit;
    if (image->densityX && image->densityY) {
        info->X_density = image->densityX;
        info->Y_density = image->densityY;
    }
    jpeg_start_compress(info, TRUE);
    *status = CALOR_JPEG_OK;
    return writer;
}

int calorJPEGWriteMarker(CalorJPEGWriter *writer, int marker, const uint8_t *bytes, uint32_t count, char *message) {
    ENTER(writer)
    jpeg_write_marker(&writer->info, marker, bytes, count);
    return CALOR_JPEG_OK;
}

int calorJPEGWriteRows(CalorJPEGWriter *writer, const uint8_t *pixels, size_t rowBytes, uint32_t rows, char *message) {
    ENTER(writer)
    for (uint32_t y = 0; y < rows; y++) {
        JSAMPROW row = (JSAMPROW)(pixels + (size_t)y * rowBytes);
        jpeg_write_scanlines(&writer->info, &row, 1);
    }
    return CALOR_JPEG_OK;
}

int calorJPEGWriterFinish(CalorJPEGWriter *writer, const uint8_t **bytes, size_t *count, char *message) {
    ENTER(writer)
    jpeg_finish_compress(&writer->info);
    *bytes = writer->bytes;
    *count = writer->count;
    return CALOR_JPEG_OK;
}

void calorJPEGWriterClose(CalorJPEGWriter *writer) {
    if (!writer) return;
    if (writer->created) jpeg_destroy_compress(&writer->info);
    free(writer->bytes);
    free(writer);
}

#define TEXT(x) #x
#define EXPANDED(x) TEXT(x)
const char *calorJPEGVersion(void) {
#ifdef LIBJPEG_TURBO_VERSION
    return "libjpeg-turbo " EXPANDED(LIBJPEG_TURBO_VERSION);
#else
    return "libjpeg " EXPANDED(JPEG_LIB_VERSION);
#endif
}
