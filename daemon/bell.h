#pragma once
#include "core/bell.h"
