#include "CCalorTIFF.h"
