#include "CCalorPNG.h"
