// Loops and conditionals on a card: what the card decides beside what the host decides, results and
// times.  Prints a line for each; exit status 1 when a result is wrong or the card did not decide.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "runtime/cuda/cuda_device.h"
#include "runtime/executor.h"
#include "runtime/log.h"
#include "tests/runtime/cuda/control_programs.h"

namespace ingot::runtime {
namespace {

using Clock = std::chrono::steady_clock;

bool failed = false;
bool host_decided = false;

double Microseconds(Clock::duration time) {
  return std::chrono::duration<double, std::micro>(time).count();
}

void Fail(const std::string& line) {
  std::printf("FAILED %s\n", line.c_str());
  failed = true;
}

std::unique_ptr<Executor> Load(const ControlProgram& control, Device* device) {
  auto executor = Executor::Create(std::make_shared<Program>(control.program), device);
  if (executor.ok()) return *std::move(executor);
  Fail(control.name + ": " + std::string(executor.status().message()));
  return nullptr;
}

void Check(Device* device, const char* who) {
  for (const ControlProgram& control : ControlPrograms()) {
    const std::unique_ptr<Executor> executor = Load(control, device);
    int right = 0;
    for (int32_t start : {0, 7, 9, 1000}) {
      for (int32_t index : {-5, 0, 1, 2, 3}) {
        if (executor == nullptr) continue;
        const absl::Status status = RunControl(control, *executor, start, index);
        right += status.ok();
        if (!status.ok()) Fail(std::string(status.message()));
      }
    }
    std::printf("%-24s the %s decides: %d of 20 runs right\n", control.name.c_str(), who, right);
  }
}

// Medians of 20 runs from 0: until Start returns, and until the run is done.
void Time(Device* device, const char* who, int32_t trips) {
  const ControlProgram control = CountingLoop(trips);
  const std::unique_ptr<Executor> executor = Load(control, device);
  if (executor == nullptr) return;
  const Shape number = Shape::Scalar(ElementType::kS32);
  const int32_t zero = 0;
  auto x = Buffer::FromHost(device, number, &zero);
  auto y = Buffer::Allocate(device, number);
  if (!x.ok() || !y.ok()) return Fail("no memory on the card");
  std::vector<double> starts, ends;
  for (int i = 0; i < 21; ++i) {
    const auto begin = Clock::now();
    auto execution = executor->Start({x->view(), x->view()}, {y->view()});
    const auto started = Clock::now();
    const absl::Status status = execution.ok() ? execution->Wait() : execution.status();
    const auto done = Clock::now();
    if (!status.ok()) return Fail(std::string(status.message()));
    int32_t end = 0;
    if (!y->CopyOut(&end).ok() || end != trips)
      return Fail("a loop ends at " + std::to_string(end));
    if (i == 0) continue;  // builds the graphs
    starts.push_back(Microseconds(started - begin));
    ends.push_back(Microseconds(done - begin));
  }
  std::sort(starts.begin(), starts.end());
  std::sort(ends.begin(), ends.end());
  const double start = starts[starts.size() / 2], end = ends[ends.size() / 2];
  std::printf(
      "loop of %5d trips         the %s decides: Start returns after %8.1f us, done after "
      "%9.1f us, %6.2f us a trip\n",
      trips, who, start, end, end / std::max(1, trips));
}

int Run() {
  SetLogSink(
      [](void*, const char* line) {
        if (!absl::StrContains(line, "the host decides")) return;
        host_decided = true;
        std::printf("log: %s\n", line);
      },
      nullptr);
  for (bool card : {true, false}) {
    auto device = CreateCudaDevice({.card_decides = card});
    if (!device.ok()) {
      Fail(std::string(device.status().message()));
      break;
    }
    if (card) {
      std::printf("%s, driver for CUDA %d.%d\n", (*device)->properties().name.c_str(),
                  (*device)->properties().driver_version / 1000,
                  (*device)->properties().driver_version % 1000 / 10);
    }
    const char* const who = card ? "card" : "host";
    Check(device->get(), who);
    for (int32_t trips : {0, 1, 10, 1000}) Time(device->get(), who, trips);
  }
  if (host_decided) Fail("the host decided where the card was to: the log says why");
  std::printf("%s\n", failed ? "FAILED" : "PASSED");
  return failed ? 1 : 0;
}

}  // namespace
}  // namespace ingot::runtime

int main() { return ingot::runtime::Run(); }
