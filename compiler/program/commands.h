// Commands of a program that is put together.
#ifndef INGOT_COMPILER_PROGRAM_COMMANDS_H_
#define INGOT_COMPILER_PROGRAM_COMMANDS_H_

#include <functional>
#include <vector>

#include "compiler/program/fusion_table.h"
#include "runtime/program.h"

namespace ingot::program {

// A launch of the kernel, without arguments.
runtime::Launch LaunchOf(const KernelEntry& kernel);

// Calls `visit` for every slice that the commands name, nested ones included.
void ForEachSlice(std::vector<runtime::Command>& commands,
                  const std::function<void(runtime::BufferSlice&)>& visit);

}  // namespace ingot::program

#endif  // INGOT_COMPILER_PROGRAM_COMMANDS_H_
