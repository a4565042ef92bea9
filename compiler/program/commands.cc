#include "compiler/program/commands.h"

#include <variant>

namespace ingot::program {
namespace {

struct SliceVisitor {
  const std::function<void(runtime::BufferSlice&)>& visit;

  void operator()(runtime::Launch& launch) const {
    for (runtime::Argument& argument : launch.arguments) {
      if (auto* buffer = std::get_if<runtime::BufferArgument>(&argument)) visit(buffer->slice);
      if (auto* map = std::get_if<runtime::TensorMapArgument>(&argument)) visit(map->slice);
    }
  }
  void operator()(runtime::Copy& copy) const {
    visit(copy.source);
    visit(copy.destination);
  }
  void operator()(runtime::Fill& fill) const { visit(fill.destination); }
  void operator()(runtime::While& loop) const {
    ForEachSlice(loop.condition, visit);
    visit(loop.predicate);
    ForEachSlice(loop.body, visit);
  }
  void operator()(runtime::Conditional& conditional) const {
    visit(conditional.index);
    for (std::vector<runtime::Command>& branch : conditional.branches) ForEachSlice(branch, visit);
  }
  void operator()(runtime::LibraryCall& call) const {
    for (runtime::BufferSlice& input : call.inputs) visit(input);
    visit(call.output);
    ForEachSlice(call.fallback, visit);
  }
};

}  // namespace

runtime::Launch LaunchOf(const KernelEntry& kernel) {
  const auto dim3 = [](const auto& extents) {
    return runtime::Dim3{static_cast<uint32_t>(extents[0]), static_cast<uint32_t>(extents[1]),
                         static_cast<uint32_t>(extents[2])};
  };
  runtime::Launch launch;
  launch.module = kernel.module;
  launch.kernel = kernel.name;
  launch.tasks = kernel.launch.tasks;
  launch.grid = dim3(kernel.launch.grid);
  launch.block = dim3(kernel.launch.block);
  launch.cluster = dim3(kernel.launch.cluster);
  launch.dynamic_shared_bytes = static_cast<uint32_t>(kernel.launch.dynamic_shared_bytes);
  launch.resident = kernel.launch.resident;
  launch.cooperative = kernel.launch.cooperative;
  launch.programmatic = kernel.launch.programmatic;
  return launch;
}

void ForEachSlice(std::vector<runtime::Command>& commands,
                  const std::function<void(runtime::BufferSlice&)>& visit) {
  for (runtime::Command& command : commands) std::visit(SliceVisitor{visit}, command.operation);
}

}  // namespace ingot::program
