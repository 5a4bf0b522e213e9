#include "reprise/conv/conv_shape.hpp"
