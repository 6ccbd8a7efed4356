#pragma once
// A TIFF handle over memory or an open file: bounds-checked callbacks, errors kept as text, one cap per allocation.
#include "CCalorTIFF.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <tiffio.h>
#include <unistd.h>

typedef struct {
    const uint8_t *input;  // reading
    uint8_t *output;       // writing, grown as needed
    size_t count, capacity, offset;
    int file;              // below 0: memory
    int isReading, hasFailed;  // hasFailed: the file could not be written
    char message[CALOR_TIFF_MESSAGE];
} Memory;

static inline void copyMessage(char *to, const char *from) {
    if (!to) return;
    strncpy(to, from && *from ? from : "libtiff gave no reason", CALOR_TIFF_MESSAGE - 1);
    to[CALOR_TIFF_MESSAGE - 1] = 0;
}

static inline tmsize_t readMemory(thandle_t handle, void *to, tmsize_t wanted) {
    Memory *memory = handle;
    const uint8_t *from = memory->input ? memory->input : memory->output;
    if (wanted <= 0 || memory->offset >= memory->count) return 0;
    size_t left = memory->count - memory->offset;
    size_t taken = (size_t)wanted < left ? (size_t)wanted : left;
    if (memory->file >= 0) {
        size_t done = 0;
        while (done < taken) {
            ssize_t got = pread(memory->file, (uint8_t *)to + done, taken - done, (off_t)(memory->offset + done));
            if (got < 0 && errno == EINTR) continue;
            if (got <= 0) break;
            done += (size_t)got;
        }
        memory->offset += done;
        return (tmsize_t)done;
    }
    if (!from) return 0;
    memcpy(to, from + memory->offset, taken);
    memory->offset += taken;
    return (tmsize_t)taken;
}

static inline tmsize_t writeMemory(thandle_t handle, void *from, tmsize_t wanted) {
    Memory *memory = handle;
    if (memory->isReading || wanted < 0 || (size_t)wanted > SIZE_MAX / 4 - memory->offset) return -1;
    size_t end = memory->offset + (size_t)wanted;
    if (memory->file >= 0) {
        size_t done = 0;
        while (done < (size_t)wanted) {
            ssize_t wrote = pwrite(memory->file, (uint8_t *)from + done, (size_t)wanted - done, (off_t)(memory->offset + done));
            if (wrote < 0 && errno == EINTR) continue;
            if (wrote <= 0) {
                if (!memory->hasFailed) copyMessage(memory->message, wrote < 0 ? strerror(errno) : "nothing was written");
                memory->hasFailed = 1;
                return -1;
            }
            done += (size_t)wrote;
        }
        memory->offset = end;
        if (end > memory->count) memory->count = end;
        return wanted;
    }
    if (end > memory->capacity) {
        size_t larger = memory->capacity * 2 > end ? memory->capacity * 2 : end;
        uint8_t *grown = realloc(memory->output, larger);
        if (!grown) return -1;
        memory->output = grown;
        memory->capacity = larger;
    }
    // A seek may have gone past the end: the gap is zero, as in a file.
    if (memory->offset > memory->count) memset(memory->output + memory->count, 0, memory->offset - memory->count);
    memcpy(memory->output + memory->offset, from, (size_t)wanted);
    memory->offset = end;
    if (end > memory->count) memory->count = end;
    return wanted;
}

static inline toff_t seekMemory(thandle_t handle, toff_t offset, int whence) {
    Memory *memory = handle;
    uint64_t base = whence == SEEK_SET ? 0 : whence == SEEK_CUR ? memory->offset : memory->count;
    uint64_t target = base + offset;  // offset may be a negative number in two's complement
    if (target > SIZE_MAX / 4) return (toff_t)-1;
    memory->offset = (size_t)target;
    return target;
}

static inline int closeMemory(thandle_t handle) {
    (void)handle;
    return 0;
}

static inline toff_t sizeOfMemory(thandle_t handle) { return ((Memory *)handle)->count; }

static inline int mapNothing(thandle_t handle, void **base, toff_t *size) {
    (void)handle;
    (void)base;
    (void)size;
    return 0;
}

static inline void unmapNothing(thandle_t handle, void *base, toff_t size) {
    (void)handle;
    (void)base;
    (void)size;
}

static inline int keepError(TIFF *tiff, void *user, const char *module, const char *format, va_list arguments) {
    (void)tiff;
    Memory *memory = user;
    if (memory->message[0]) return 1;  // the first error is the cause
    char text[CALOR_TIFF_MESSAGE];
    vsnprintf(text, sizeof text, format, arguments);
    snprintf(memory->message, sizeof memory->message, "%.60s: %.130s", module ? module : "libtiff", text);
    return 1;
}

static inline int dropWarning(TIFF *tiff, void *user, const char *module, const char *format, va_list arguments) {
    (void)tiff;
    (void)user;
    (void)module;
    (void)format;
    (void)arguments;
    return 1;
}

static inline TIFF *openMemory(Memory *memory, const char *mode, uint64_t allocationBytes) {
    TIFFOpenOptions *options = TIFFOpenOptionsAlloc();
    if (!options) return NULL;
    if (allocationBytes) TIFFOpenOptionsSetMaxSingleMemAlloc(options, (tmsize_t)allocationBytes);
    TIFFOpenOptionsSetErrorHandlerExtR(options, keepError, memory);
    TIFFOpenOptionsSetWarningHandlerExtR(options, dropWarning, memory);
    TIFF *tiff = TIFFClientOpenExt(
        "image", mode, memory, readMemory, writeMemory, seekMemory, closeMemory, sizeOfMemory, mapNothing, unmapNothing, options);
    TIFFOpenOptionsFree(options);
    return tiff;
}
