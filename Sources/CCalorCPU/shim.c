#include "CCalorCPU.h"
