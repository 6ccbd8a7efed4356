#include "trap.h"

#include <errno.h>
#include <unistd.h>

// MARK: - Counted memory

// libpng caps each chunk but not their sum; an allocator that counts does. The size lies in front of the block.
static png_voidp countedAllocate(png_structp png, png_alloc_size_t size) {
    Trap *trap = png_get_mem_ptr(png);
    if (size > trap->mayHold || trap->held > trap->mayHold - size) {
        trap->status = CALOR_PNG_LIMIT;
        return NULL;
    }
    uint64_t *block = malloc(16 + size);
    if (!block) return NULL;
    block[0] = size;
    trap->held += size;
    return block + 2;
}

static void countedFree(png_structp png, png_voidp pointer) {
    if (!pointer) return;
    Trap *trap = png_get_mem_ptr(png);
    uint64_t *block = (uint64_t *)pointer - 2;
    trap->held -= block[0];
    free(block);
}

// MARK: - Reading

struct CalorPNGReader {
    Trap trap;
    png_structp png;
    png_infop info, end;
    const uint8_t *bytes;
    int file;
    size_t count, offset;
    uint8_t *block;          // of a file: the bytes from blockStart on
    size_t blockStart, blockCount;
    int passes;
    int hasCICP;
    uint8_t cicp[4];
};

#define BLOCK_BYTES ((size_t)1 << 18)

static void endTooEarly(CalorPNGReader *reader) {
    reader->trap.status = CALOR_PNG_TRUNCATED;
    png_error(reader->png, "the file ends too early");
}

static void readBytes(png_structp png, png_bytep to, size_t count) {
    CalorPNGReader *reader = png_get_io_ptr(png);
    if (count > reader->count - reader->offset) endTooEarly(reader);
    if (reader->bytes) {
        memcpy(to, reader->bytes + reader->offset, count);
        reader->offset += count;
        return;
    }
    while (count > 0) {
        size_t at = reader->offset - reader->blockStart;
        if (at >= reader->blockCount) {
            ssize_t got;
            do got = pread(reader->file, reader->block, BLOCK_BYTES, (off_t)reader->offset);
            while (got < 0 && errno == EINTR);
            if (got <= 0) endTooEarly(reader);  // the file has become shorter, or the disk does not answer
            reader->blockStart = reader->offset;
            reader->blockCount = (size_t)got;
            at = 0;
        }
        size_t taken = reader->blockCount - at < count ? reader->blockCount - at : count;
        memcpy(to, reader->block + at, taken);
        reader->offset += taken;
        to += taken;
        count -= taken;
    }
}

// This libpng does not know cICP; its CRC is checked before the call.
static int onUnknownChunk(png_structp png, png_unknown_chunkp chunk) {
    CalorPNGReader *reader = png_get_user_chunk_ptr(png);
    if (memcmp(chunk->name, "cICP", 4) == 0 && chunk->size == 4) {
        memcpy(reader->cicp, chunk->data, 4);
        reader->hasCICP = 1;
    }
    return (chunk->name[0] & 0x20) ? 1 : 0;
}

static void takeMetadata(CalorPNGReader *reader, png_infop info, CalorPNGHeader *header) {
    png_structp png = reader->png;
    png_fixed_point f[8];
    int intent, type, unit;
    png_charp name;
    png_bytep bytes;
    png_uint_32 count, x, y;
    if (png_get_gAMA_fixed(png, info, f)) header->hasGamma = 1, header->gamma = (uint32_t)f[0];
    if (png_get_sRGB(png, info, &intent)) header->hasIntent = 1, header->intent = (uint8_t)intent;
    if (png_get_cHRM_fixed(png, info, f, f + 1, f + 2, f + 3, f + 4, f + 5, f + 6, f + 7)) {
        header->hasChromaticities = 1;
        for (int i = 0; i < 8; i++) header->chromaticities[i] = (uint32_t)f[i];
    }
    if (png_get_pHYs(png, info, &x, &y, &unit) && unit == PNG_RESOLUTION_METER) {
        header->hasResolution = 1;
        header->xPerMetre = x;
        header->yPerMetre = y;
    }
    if (png_get_iCCP(png, info, &name, &type, &bytes, &count)) header->icc = bytes, header->iccCount = count;
    if (png_get_eXIf_1(png, info, &count, &bytes)) header->exif = bytes, header->exifCount = count;
    header->hasCICP = (uint8_t)reader->hasCICP;
    memcpy(header->cicp, reader->cicp, 4);
    header->textCount = calorPNGTextCount(reader);
}

CalorPNGReader *calorPNGOpen(
    const uint8_t *bytes, int file, size_t count, const CalorPNGLimits *limits, CalorPNGHeader *header, int *status,
    char *message) {
    memset(header, 0, sizeof *header);
    *status = CALOR_PNG_MEMORY;
    copyMessage(message, "out of memory");
    CalorPNGReader *reader = calloc(1, sizeof *reader);
    if (!reader) return NULL;
    reader->bytes = bytes;
    reader->file = file;
    reader->count = count;
    if (!bytes && !(reader->block = malloc(BLOCK_BYTES))) return reader;
    reader->trap.mayHold = limits->memoryBytes;
    if (setjmp(reader->trap.jump)) {
        *status = reader->trap.status;
        copyMessage(message, reader->trap.message);
        return reader;
    }
    reader->png = png_create_read_struct_2(
        PNG_LIBPNG_VER_STRING, &reader->trap, onError, onWarning, &reader->trap, countedAllocate, countedFree);
    if (!reader->png) return reader;
    png_structp png = reader->png;
    reader->info = png_create_info_struct(png);
    reader->end = png_create_info_struct(png);
    if (!reader->info || !reader->end) return reader;

    png_set_read_fn(png, reader, readBytes);
    png_set_crc_action(png, PNG_CRC_ERROR_QUIT, PNG_CRC_ERROR_QUIT);
    png_set_user_limits(png, limits->sidePixels, limits->sidePixels);
    png_set_chunk_malloc_max(png, (png_alloc_size_t)limits->chunkBytes);
    png_set_chunk_cache_max(png, limits->chunkItems);
    png_set_read_user_chunk_fn(png, reader, onUnknownChunk);
    png_set_compression_buffer_size(png, limits->piece);
    png_read_info(png, reader->info);

    int depth, colour, interlace;
    png_get_IHDR(png, reader->info, &header->width, &header->height, &depth, &colour, &interlace, NULL, NULL);
    header->bitDepth = (uint8_t)depth;
    header->colourType = (uint8_t)colour;
    header->interlaced = interlace != PNG_INTERLACE_NONE;
    png_set_expand(png);
    if (depth == 16 && *(const uint8_t *)&(const uint16_t){1}) png_set_swap(png);
    reader->passes = png_set_interlace_handling(png);
    png_read_update_info(png, reader->info);
    header->outputChannels = png_get_channels(png, reader->info);
    header->outputBits = png_get_bit_depth(png, reader->info);
    takeMetadata(reader, reader->info, header);
    *status = CALOR_PNG_OK;
    return reader;
}

int calorPNGReadRows(CalorPNGReader *reader, uint8_t *pixels, size_t rowBytes, uint32_t rows, char *message) {
    if (setjmp(reader->trap.jump)) {
        copyMessage(message, reader->trap.message);
        return reader->trap.status;
    }
    if (png_get_rowbytes(reader->png, reader->info) != rowBytes) png_error(reader->png, "the row size is not as announced");
    for (int pass = 0; pass < reader->passes; pass++)
        for (uint32_t y = 0; y < rows; y++) png_read_row(reader->png, pixels + (size_t)y * rowBytes, NULL);
    return CALOR_PNG_OK;
}

int calorPNGFinish(CalorPNGReader *reader, CalorPNGHeader *header, char *message) {
    if (setjmp(reader->trap.jump)) {
        copyMessage(message, reader->trap.message);
        return reader->trap.status;
    }
    png_read_end(reader->png, reader->end);
    takeMetadata(reader, reader->end, header);
    return CALOR_PNG_OK;
}

uint32_t calorPNGTextCount(CalorPNGReader *reader) {
    int front = 0, back = 0;
    png_get_text(reader->png, reader->info, NULL, &front);
    png_get_text(reader->png, reader->end, NULL, &back);
    return (uint32_t)front + (uint32_t)back;
}

int calorPNGTextAt(CalorPNGReader *reader, uint32_t index, CalorPNGText *text) {
    png_textp list = NULL;
    int count = 0;
    png_get_text(reader->png, reader->info, &list, &count);
    if (index >= (uint32_t)count) {
        index -= (uint32_t)count;
        png_get_text(reader->png, reader->end, &list, &count);
    }
    if (!list || index >= (uint32_t)count) return 0;
    text->key = list[index].key;
    text->keyCount = list[index].key ? strlen(list[index].key) : 0;
    text->isUTF8 = list[index].compression >= PNG_ITXT_COMPRESSION_NONE;
    text->value = list[index].text;
    text->valueCount = !text->value ? 0 : text->isUTF8 ? list[index].itxt_length : list[index].text_length;
    return 1;
}

const char *calorPNGWarning(CalorPNGReader *reader) { return reader->trap.warning; }

const char *calorPNGVersion(void) { return png_get_libpng_ver(NULL); }

void calorPNGClose(CalorPNGReader *reader) {
    if (!reader) return;
    if (reader->png) png_destroy_read_struct(&reader->png, &reader->info, &reader->end);
    free(reader->block);
    free(reader);
}
