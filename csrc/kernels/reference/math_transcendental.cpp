// Elementary functions: the C library's, in double.
#include <cmath>

#include "kernels/reference/lists.h"
#include "kernels/reference/tiles.h"

namespace fastnn::kernels::reference {
namespace {

double exp(double x, const double*) { return std::exp(x); }
double expm1(double x, const double*) { return std::expm1(x); }
double log(double x, const double*) { return std::log(x); }
double log1p(double x, const double*) { return std::log1p(x); }
double sqrt(double x, const double*) { return std::sqrt(x); }
double rsqrt(double x, const double*) { return 1 / std::sqrt(x); }
double sin(double x, const double*) { return std::sin(x); }
double cos(double x, const double*) { return std::cos(x); }
double erf(double x, const double*) { return std::erf(x); }
double power(double a, double b, const double*) { return std::pow(a, b); }

const Entry entries[] = {
    FASTNN_FLOATS("exp", unary, exp),   FASTNN_FLOATS("expm1", unary, expm1),
    FASTNN_FLOATS("log", unary, log),   FASTNN_FLOATS("log1p", unary, log1p),
    FASTNN_FLOATS("sqrt", unary, sqrt), FASTNN_FLOATS("rsqrt", unary, rsqrt),
    FASTNN_FLOATS("sin", unary, sin),   FASTNN_FLOATS("cos", unary, cos),
    FASTNN_FLOATS("erf", unary, erf),   FASTNN_FLOATS("power", binary, power),
};

}  // namespace

const EntryList transcendental_list = {entries, sizeof(entries) / sizeof(entries[0])};

}  // namespace fastnn::kernels::reference
