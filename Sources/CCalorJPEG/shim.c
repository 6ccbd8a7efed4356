#include "CCalorJPEG.h"
