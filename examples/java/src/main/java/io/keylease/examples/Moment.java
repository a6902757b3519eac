package io.keylease.examples;

import java.time.Duration;

/**
 * A moment, on two clocks. Java has none that counts the time a machine was suspended: System.nanoTime stands still on Linux. The
 * wall clock moves on but may be set. So the larger of the two counts: a wrong wall clock can then only make us start too little,
 * unless it is set back by just what the machine slept.
 */
record Moment(long nanos, long wallMillis) {
  static Moment now() {
    return new Moment(System.nanoTime(), System.currentTimeMillis());
  }

  Duration elapsed() {
    Duration steady = Duration.ofNanos(System.nanoTime() - nanos);
    Duration wall = Duration.ofMillis(System.currentTimeMillis() - wallMillis);
    return steady.compareTo(wall) > 0 ? steady : wall;
  }

  static Duration toJava(com.google.protobuf.Duration duration) {
    return Duration.ofSeconds(duration.getSeconds(), duration.getNanos());
  }

  static com.google.protobuf.Duration toProto(Duration duration) {
    return com.google.protobuf.Duration.newBuilder().setSeconds(duration.getSeconds()).setNanos(duration.getNano()).build();
  }
}
