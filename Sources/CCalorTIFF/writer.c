#include "memory.h"

struct CalorTIFFWriter {
    Memory memory;
    TIFF *tiff;
};

static int fail(CalorTIFFWriter *writer, char *message) {
    copyMessage(message, writer->memory.message);
    return writer->memory.hasFailed ? CALOR_TIFF_WRITE : CALOR_TIFF_DAMAGED;
}

CalorTIFFWriter *calorTIFFWriterOpen(const CalorTIFFImage *image, int file, int *status, char *message) {
    *status = CALOR_TIFF_MEMORY;
    copyMessage(message, "out of memory");
    CalorTIFFWriter *writer = calloc(1, sizeof *writer);
    if (!writer) return NULL;
    writer->memory.file = file;
    TIFF *tiff = writer->tiff = openMemory(&writer->memory, image->isBigTIFF ? "wl8" : "wl", 0);
    if (!tiff) {
        *status = fail(writer, message);
        return writer;
    }
    int ok = TIFFSetField(tiff, TIFFTAG_IMAGEWIDTH, image->width) && TIFFSetField(tiff, TIFFTAG_IMAGELENGTH, image->height)
        && TIFFSetField(tiff, TIFFTAG_BITSPERSAMPLE, image->bits) && TIFFSetField(tiff, TIFFTAG_SAMPLESPERPIXEL, image->samples)
        && TIFFSetField(tiff, TIFFTAG_SAMPLEFORMAT, image->sampleFormat)
        && TIFFSetField(tiff, TIFFTAG_PHOTOMETRIC, image->photometric)
        && TIFFSetField(tiff, TIFFTAG_PLANARCONFIG, PLANARCONFIG_CONTIG)
        && TIFFSetField(tiff, TIFFTAG_ORIENTATION, ORIENTATION_TOPLEFT)
        && TIFFSetField(tiff, TIFFTAG_ROWSPERSTRIP, image->rowsPerStrip)
        && TIFFSetField(tiff, TIFFTAG_COMPRESSION, image->compression);
    if (ok && image->predictor > 1) ok = TIFFSetField(tiff, TIFFTAG_PREDICTOR, image->predictor);
    if (ok && image->compressionLevel >= 0 && image->compression == COMPRESSION_ADOBE_DEFLATE)
        ok = TIFFSetField(tiff, TIFFTAG_ZIPQUALITY, image->compressionLevel);
    if (ok && image->hasAlpha) {
        uint16_t kind = EXTRASAMPLE_UNASSALPHA;
        ok = TIFFSetField(tiff, TIFFTAG_EXTRASAMPLES, 1, &kind);
    }
    if (ok && image->xPerCentimetre > 0 && image->yPerCentimetre > 0)
        ok = TIFFSetField(tiff, TIFFTAG_RESOLUTIONUNIT, RESUNIT_CENTIMETER)
            && TIFFSetField(tiff, TIFFTAG_XRESOLUTION, image->xPerCentimetre)
            && TIFFSetField(tiff, TIFFTAG_YRESOLUTION, image->yPerCentimetre);
    if (ok && image->iccCount) ok = TIFFSetField(tiff, TIFFTAG_ICCPROFILE, image->iccCount, image->icc);
    if (ok && image->xmpCount) ok = TIFFSetField(tiff, TIFFTAG_XMLPACKET, image->xmpCount, image->xmp);
    // Some versions of libtiff declare IPTC as LONG; the bytes are padded by the caller to a multiple of four.
    if (ok && image->iptcCount) {
        const TIFFField *field = TIFFFindField(tiff, TIFFTAG_RICHTIFFIPTC, TIFF_ANY);
        uint32_t unit = field && TIFFFieldDataType(field) == TIFF_LONG ? 4 : 1;
        ok = TIFFSetField(tiff, TIFFTAG_RICHTIFFIPTC, image->iptcCount / unit, image->iptc);
    }
    *status = ok ? CALOR_TIFF_OK : fail(writer, message);
    return writer;
}

int calorTIFFWriteText(CalorTIFFWriter *writer, uint32_t tag, const char *value, char *message) {
    return TIFFSetField(writer->tiff, tag, value) ? CALOR_TIFF_OK : fail(writer, message);
}

int calorTIFFWriteStrip(CalorTIFFWriter *writer, uint32_t index, uint8_t *bytes, size_t count, char *message) {
    return TIFFWriteEncodedStrip(writer->tiff, index, bytes, (tmsize_t)count) < 0 ? fail(writer, message) : CALOR_TIFF_OK;
}

int calorTIFFWriterFinish(CalorTIFFWriter *writer, const uint8_t **bytes, size_t *count, char *message) {
    if (writer->tiff) {
        int isFlushed = TIFFFlush(writer->tiff);
        TIFFClose(writer->tiff);
        writer->tiff = NULL;
        if (!isFlushed || writer->memory.hasFailed) return fail(writer, message);
    }
    *bytes = writer->memory.output;
    *count = writer->memory.count;
    return CALOR_TIFF_OK;
}

size_t calorTIFFWriterGet(CalorTIFFWriter *writer, size_t offset, uint8_t *to, size_t count) {
    writer->memory.offset = offset;
    tmsize_t got = readMemory(&writer->memory, to, (tmsize_t)count);
    return got > 0 ? (size_t)got : 0;
}

int calorTIFFWriterPut(CalorTIFFWriter *writer, size_t offset, const uint8_t *bytes, size_t count, char *message) {
    writer->memory.offset = offset;
    if (writeMemory(&writer->memory, (void *)bytes, (tmsize_t)count) == (tmsize_t)count) return CALOR_TIFF_OK;
    return fail(writer, message);
}

void calorTIFFWriterClose(CalorTIFFWriter *writer) {
    if (!writer) return;
    if (writer->tiff) TIFFClose(writer->tiff);
    free(writer->memory.output);
    free(writer);
}
