#pragma once
// What the reader and the writer share: where a libpng error lands, and what it said.
#include "CCalorPNG.h"

#include <png.h>
#include <setjmp.h>
#include <stdlib.h>
#include <string.h>

typedef struct {
    jmp_buf jump;
    int status;
    char message[CALOR_PNG_MESSAGE], warning[CALOR_PNG_MESSAGE];
    uint64_t held, mayHold;
} Trap;

static inline void copyMessage(char *to, const char *from) {
    if (!to) return;
    strncpy(to, from ? from : "", CALOR_PNG_MESSAGE - 1);
    to[CALOR_PNG_MESSAGE - 1] = 0;
}

static inline void onError(png_structp png, png_const_charp text) {
    Trap *trap = png_get_error_ptr(png);
    if (trap->status == CALOR_PNG_OK) {
        int crc = text && strstr(text, "CRC error") != NULL;
        int limit = text && strstr(text, "too large") != NULL;
        int early = text && strstr(text, "Not enough image data") != NULL;
        trap->status = crc ? CALOR_PNG_CRC : limit ? CALOR_PNG_LIMIT : early ? CALOR_PNG_TRUNCATED : CALOR_PNG_DAMAGED;
    }
    copyMessage(trap->message, text);
    longjmp(trap->jump, 1);
}

static inline void onWarning(png_structp png, png_const_charp text) {
    Trap *trap = png_get_error_ptr(png);
    if (!trap->warning[0]) copyMessage(trap->warning, text);
}
