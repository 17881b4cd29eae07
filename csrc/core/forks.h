// How often this process is the child of a fork since fastnn was loaded.
#pragma once

namespace fastnn {

int forks();

}  // namespace fastnn
