// Persistent programs in float64.
#include "kernels/cuda/persistent_commands.h"
#include "kernels/cuda/persistent_run.h"

namespace fastnn::kernels::cuda {

const PersistentKernel persistent_f64 = {
    commands_of_f64,
    shared_limit<CallablesF64>,
    run_program<CallablesF64>,
};

}  // namespace fastnn::kernels::cuda
