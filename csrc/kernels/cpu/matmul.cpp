// Matrix products.
#include "kernels/cpu/matmul_run.h"

namespace fastnn::kernels::FASTNN_ISA {
namespace {

const Entry entries[] = {
    {"matmul", DType::f32, matmul<float>, nullptr, workspace<float>},
    {"matmul", DType::f64, matmul<double>, nullptr, workspace<double>},
    {"matmul_pack", DType::f32, matmul_pack<float>, nullptr, nullptr},
    {"matmul_pack", DType::f64, matmul_pack<double>, nullptr, nullptr},
    {"matmul_packed", DType::f32, matmul_packed<float>, nullptr, workspace<float>},
    {"matmul_packed", DType::f64, matmul_packed<double>, nullptr, workspace<double>},
};

}  // namespace

const EntryList matmul_list = {entries, sizeof(entries) / sizeof(entries[0])};

}  // namespace fastnn::kernels::FASTNN_ISA
