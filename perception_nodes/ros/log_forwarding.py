"""Standard library logging of the pure code, shown by the ROS logger of a node."""

from __future__ import annotations

import logging

from rclpy.impl.rcutils_logger import RcutilsLogger

_PACKAGE_LOGGER = 'perception_nodes'


class RosLogHandler(logging.Handler):
    """
    Hand records to a ROS logger, so that they reach the console, the log file and ``/rosout``.

    rclpy remembers the severity of each calling line: one line per severity, not one for all.
    """

    def __init__(self, logger: RcutilsLogger) -> None:
        super().__init__()
        self._logger = logger
        self.setFormatter(logging.Formatter('%(message)s [%(name)s]'))

    def emit(self, record: logging.LogRecord) -> None:
        """Log one record with the nearest ROS severity."""
        text = self.format(record)
        if record.levelno >= logging.CRITICAL:
            self._logger.fatal(text)
        elif record.levelno >= logging.ERROR:
            self._logger.error(text)
        elif record.levelno >= logging.WARNING:
            self._logger.warning(text)
        elif record.levelno >= logging.INFO:
            self._logger.info(text)
        else:
            self._logger.debug(text)


def forward_logs(logger: RcutilsLogger) -> RosLogHandler:
    """
    Show what the package logs, from the level that the ROS logger has.

    :returns: the handler, for :func:`stop_forwarding`.
    """
    handler = RosLogHandler(logger)
    package = logging.getLogger(_PACKAGE_LOGGER)
    package.addHandler(handler)
    # ROS severities are 10, 20, … 50 as in the standard library.
    package.setLevel(max(logging.DEBUG, int(logger.get_effective_level())))
    return handler


def stop_forwarding(handler: RosLogHandler) -> None:
    """Remove the handler again."""
    logging.getLogger(_PACKAGE_LOGGER).removeHandler(handler)
