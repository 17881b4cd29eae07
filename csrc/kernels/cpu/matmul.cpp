// Matrix products.
#include "kernels/cpu/matmul_run.h"

namespace fastnn::kernels::FASTNN_ISA {
namespace {

const Entry entries[] = {
    {"matmul", DType::f32, matmul<float>, nullptr, workspace<float>},
    {"matmul", DType::f64, matmul<double>, nullptr, workspace<double>},
};

}  // namespace

const EntryList matmul_list = {entries, sizeof(entries) / sizeof(entries[0])};

}  // namespace fastnn::kernels::FASTNN_ISA
